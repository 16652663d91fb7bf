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

// listeners has the functions that are called when the readiness of an SSLSocket may have changed.
// The list is replaced and never changed, so that news needs no lock.
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

// several returns whether there are several listeners. In that case, one of them may have decrypted
// input, and another one may not know of it.
func (l *listeners) several() bool {
	list := l.list.Load()
	return list != nil && len(*list) > 1
}

// replace removes `gone` from the list and adds f. Each of them may be nil. While the list is not
// empty, the Desc reports its Events to the listeners. The caller holds mu.
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

// readier is the type with which an SSLSocket is an inside.Readier, for package sel.
type readier SSLSocket

// Subscribe may call f on any goroutine, and also once after `stop` was called.
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

// PollReady returns the result of secure.Conn's Ready. After an error of TLS it returns EBADF.
func (s *readier) PollReady(want poller.Interest) (poller.Readiness, desc.Errno) {
	if s.st.failed.Load() != nil {
		return 0, kernel.EBADF
	}
	r, took, e := s.st.c.Ready(want)
	if took && s.st.several() { // other listeners get no Event for the input that was decrypted here
		s.st.news()
	}
	runtime.KeepAlive(s.s)
	return r, e
}
