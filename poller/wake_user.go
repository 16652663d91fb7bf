//go:build darwin || freebsd || dragonfly

package poller

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kevent"
)

// A waker ends the wait of a kqueue. On this system it is an EVFILT_USER, which needs no
// descriptor. Its number is 0, which is no descriptor's number. The trigger is made once, and Wakes
// of several goroutines share it, because the kernel only reads it.
type waker struct{ trigger kevents }

func (w *waker) open(q *queue) error {
	w.trigger = makeKevents(1)
	k := w.trigger.slice()
	setKevent(&k[0], 0, unix.EVFILT_USER, kevent.Add|kevent.Clear, 0, 0)
	if err := q.apply(k); err != nil {
		return os.NewSyscallError("kevent", err)
	}
	setKevent(&k[0], 0, unix.EVFILT_USER, 0, unix.NOTE_TRIGGER, 0)
	return nil
}

func (w *waker) wake(q *queue) error {
	return os.NewSyscallError("kevent", q.apply(w.trigger.slice()))
}

func (*waker) is(fd int, gen uint32, filter int) bool { return filter == unix.EVFILT_USER }

func (*waker) clear() {} // EV_CLEAR has cleared it already

func (*waker) close() error { return nil }
