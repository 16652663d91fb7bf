package sel

import (
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// Events is a set of the things that can have happened, with the numbers of poll(2).
type Events int

const (
	POLLIN   Events = 1
	POLLPRI  Events = 2 // urgent data of TCP; reported if asked for
	POLLOUT  Events = 4
	POLLERR  Events = 8  // an error is pending; reported unasked
	POLLHUP  Events = 16 // both directions are closed, or not connected yet; reported unasked
	POLLNVAL Events = 32 // closed, or no open descriptor; reported unasked
)

// unasked has the Events that are reported with every mask.
const unasked = POLLERR | POLLHUP | POLLNVAL

func (e Events) String() string {
	if e == 0 {
		return "0"
	}
	s := ""
	for bit, name := range []string{"IN", "PRI", "OUT", "ERR", "HUP", "NVAL"} {
		if e&(1<<bit) != 0 {
			s += "|" + name
		}
	}
	if rest := e &^ 63; rest != 0 || s == "" {
		s += "|…"
	}
	return s[1:]
}

// A Pollable is an object that can be registered, once in each Poll. It is one of
//
//   - a *socket.SSLSocket or a *socket.Socket;
//   - another *Poll, but neither the Poll itself (EINVAL) nor one that the Poll is in (ELOOP);
//   - any other type with a method Desc() *desc.Desc;
//   - an FD;
//   - an Object, preferably a pointer: equal values would be the same object.
//
// A Poll keeps a registered object alive until it is unregistered or the Poll is closed.
type Pollable any

// An FD is a bare descriptor number, open or not. A number that is not open is reported as
// POLLNVAL; each poll checks it again. The Poll's own number is reported in the same way, because
// MicroPython's poll has none. Do not close a number while it is registered. As with epoll, the
// Poll may not notice the close, or it may report Events of the number's next owner.
type FD int

// An Object computes its own readiness, as MicroPython's ioctl(3, mask) does. Each poll calls the
// method at least once with the present mask, on the goroutine that polls. The poll reports every
// bit of the result, also bits outside the mask; 0 means not ready. An error of the method is
// returned by the poll unchanged, and the Poll remains usable. While a poll waits, it calls the
// method every millisecond, unless the Object is a Notifier. The method may change the Poll that
// calls it, but it must not wait on it.
type Object interface {
	Poll(mask Events) (Events, error)
}

// A Notifier is an Object that reports when it may have become ready. A waiting poll asks it after
// such a report, instead of every millisecond. A Notifier stores one f, however many Polls have
// registered it: Notify replaces the previous f, and a nil f ends the notification. Any goroutine
// may call f at any time; a needless or late call does no harm. Notify must not register or
// unregister its own object.
type Notifier interface {
	Object
	Notify(f func())
}

// sslPoller is a *socket.SSLSocket as an Object.
type sslPoller struct{ inside.Readier }

func (o sslPoller) Poll(mask Events) (Events, error) {
	r, e := o.PollReady(interestOf(mask) &^ poller.Pri) // TLS has no urgent data
	if e == kernel.EBADF {
		return POLLNVAL, nil
	}
	return eventsOf(r), fail("poll", e)
}

// An Event is one result of a poll: Obj is ready for Events.
type Event struct {
	Obj    Pollable
	Events Events
}

// eventsOf converts readiness to the numbers of poll(2).
func eventsOf(i poller.Readiness) Events {
	return Events(i&poller.In) | Events(i&(poller.Out|poller.Err|poller.Hup))<<1 | Events(i&poller.Pri)/Events(poller.Pri)*POLLPRI
}

// interestOf converts those bits of a mask that a Poller reports only if they are requested.
func interestOf(mask Events) (i poller.Interest) {
	if mask&POLLIN != 0 {
		i |= poller.In
	}
	if mask&POLLPRI != 0 {
		i |= poller.Pri
	}
	if mask&POLLOUT != 0 {
		i |= poller.Out
	}
	return i
}
