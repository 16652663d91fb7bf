//go:build darwin || freebsd || dragonfly

package poller

import (
	"golang.org/x/sys/unix"
)

// A waker is how a kqueue wakes itself: here EVFILT_USER, which needs no descriptor. Its identity is 0 in a space of
// its own.
type waker struct{}

func (waker) open(p *kqueue) error {
	return p.apply(userEvent(kqueueAdd|kqueueClear, 0))
}

func (waker) wake(p *kqueue) error { return p.apply(userEvent(0, unix.NOTE_TRIGGER)) }

func (waker) is(fd int, gen uint32, filter int) bool { return filter == unix.EVFILT_USER }

func (waker) clear() {} // EV_CLEAR did

func (waker) close() error { return nil }

// userEvent makes room of its own: a Wake comes from any goroutine, beside the changes of another.
func userEvent(flags int, fflags uint32) []unix.Kevent_t {
	k := makeKevents(1).slice()
	setKevent(&k[0], 0, unix.EVFILT_USER, flags, fflags, 0)
	return k
}
