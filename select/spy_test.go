//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"sync"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A spy notices when a caller sleeps in a Poll: only then the descriptor of that Poll is
// registered.
type spy struct {
	desc.Waiter
	mu  sync.Mutex
	who map[*desc.Desc]bool
}

func (s *spy) Register(d *desc.Desc, want poller.Interest) kernel.Errno {
	e := s.Waiter.Register(d, want)
	if e == 0 {
		s.note(func() { s.who[d] = true })
	}
	return e
}

func (s *spy) Rearm(d *desc.Desc, want poller.Interest) kernel.Errno {
	s.note(func() {
		if want&poller.In != 0 {
			s.who[d] = true
		} else {
			delete(s.who, d)
		}
	})
	return s.Waiter.Rearm(d, want)
}

func (s *spy) Unregister(d *desc.Desc) {
	s.note(func() { delete(s.who, d) })
	s.Waiter.Unregister(d)
}

func (s *spy) note(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *spy) asleep() (n int) {
	s.note(func() { n = len(s.who) })
	return n
}
