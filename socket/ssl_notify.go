package socket

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/poller"
)

// listeners are the functions to call when the readiness of an SSLSocket may have changed. The list is replaced, never
// changed, so that news takes no lock.
type listeners struct {
	mu   sync.Mutex // held while the list is replaced, together with the Desc's OnNews
	list atomic.Pointer[[]*func()]
	slot *func() // Notify's; with mu
}

func (l *listeners) news() {
	if list := l.list.Load(); list != nil {
		for _, f := range *list {
			(*f)()
		}
	}
}

// several tells whether a listener may have missed what another one has decrypted.
func (l *listeners) several() bool {
	list := l.list.Load()
	return list != nil && len(*list) > 1
}

// replace takes gone out of the list, puts f into it, and has the Desc report its Events while the list is not empty. With mu.
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
		d.OnNews(nil)
	} else {
		d.OnNews(l.news) // closed: the first PollReady says so
	}
}

// Subscribe has f called whenever the readiness may have changed, until stop is called. Any number of subscriptions may
// exist. f may be called by any goroutine, also once after stop. For package sel.
func (s *SSLSocket) Subscribe(f func()) (stop func()) {
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

// Notify is one subscription: f replaces the one before, nil ends it.
func (s *SSLSocket) Notify(f func()) {
	l := &s.st.listeners
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.slot
	if l.slot = nil; f != nil {
		l.slot = &f
	}
	l.replace(s.s.d, old, l.slot)
}

// PollReady is for package sel: see secure.Conn's Ready.
func (s *SSLSocket) PollReady(want poller.Interest) (poller.Interest, desc.Errno) {
	r, took, e := s.st.c.Ready(want)
	if took && s.st.several() { // what was decrypted here causes no Event for the others
		s.st.news()
	}
	runtime.KeepAlive(s.s)
	return r, e
}
