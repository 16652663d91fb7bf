package socket

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// listeners are the functions to call when the readiness of an SSLSocket may have changed. The list
// is replaced, never changed, so that news takes no lock.
type listeners struct {
	mu   sync.Mutex // held while the list and the Desc's OnEvent are replaced
	list atomic.Pointer[[]*func()]
}

func (l *listeners) news() {
	if list := l.list.Load(); list != nil {
		for _, f := range *list {
			(*f)()
		}
	}
}

// several returns whether there are several listeners. If so, one of them may have missed input
// that another one has decrypted.
func (l *listeners) several() bool {
	list := l.list.Load()
	return list != nil && len(*list) > 1
}

// replace removes gone from the list and adds f; each may be nil. The Desc reports its Events to
// the listeners while the list is not empty. The caller holds mu.
func (l *listeners) replace(d *desc.Desc, gone, f *func()) {
	var list []*func()
	if old := l.list.Load(); old != nil {
		list = slices.DeleteFunc(slices.Clone(*old), func(g *func()) bool { return g == gone })
	}
	if f != nil {
		list = append(list, f)
	}
	l.list.Store(&list)
	if len(list) == 0 {
		d.OnEvent(nil)
	} else {
		d.OnEvent(l.news) // if the Desc is closed, the first PollReady returns EBADF
	}
}

// A readier is an SSLSocket as package sel sees it.
type readier SSLSocket

// Subscribe may call f on any goroutine, also once after stop.
func (s *readier) Subscribe(f func()) (stop func()) {
	if f == nil {
		panic("socket: Subscribe of a nil function")
	}
	l, d := &s.st.listeners, s.s.d
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replace(d, nil, &f)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.replace(d, &f, nil)
	}
}

// PollReady returns what secure.Conn's Ready returns, and EBADF after an error of TLS.
func (s *readier) PollReady(want poller.Interest) (poller.Readiness, desc.Errno) {
	if s.st.failed.Load() != nil {
		return 0, kernel.EBADF
	}
	r, took, e := s.st.c.Ready(want)
	if took && s.st.several() { // other listeners get no Event for input that was decrypted here
		s.st.news()
	}
	runtime.KeepAlive(s.s)
	return r, e
}
