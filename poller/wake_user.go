//go:build darwin || freebsd || dragonfly

package poller

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kevent"
)

// A waker ends the wait of a kqueue. On this system it is an EVFILT_USER with the number 0, which
// needs no descriptor. All Wakes use the same trigger. They may run at the same time, because the
// kernel only reads the trigger.
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
