package sel

import (
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// Events is a set of things that have happened, with the numbers of poll(2).
type Events int

const (
	POLLIN   Events = 1
	POLLPRI  Events = 2 // urgent data of TCP; reported if requested
	POLLOUT  Events = 4
	POLLERR  Events = 8  // an error is pending; always reported
	POLLHUP  Events = 16 // both directions are closed, or there was no connect; always reported
	POLLNVAL Events = 32 // closed, or no open descriptor; always reported
)

// unasked has the Events that are reported whatever the mask is.
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

// A Pollable is an object that can be registered, once in each Poll. It is one of these:
//
//   - a *socket.SSLSocket or a *socket.Socket;
//   - another *Poll, but not the Poll itself (EINVAL), nor a Poll that contains it (ELOOP);
//   - any other type with a method Desc() *desc.Desc;
//   - an FD;
//   - an Object, preferably a pointer: two equal values would be one object.
//
// A Poll keeps a registered object alive until the object is unregistered or the Poll is closed.
type Pollable any

// An FD is the number of a descriptor, which need not be open. If it is not open, it is reported as
// POLLNVAL, and each poll checks it again. The Poll's own number is POLLNVAL too, because
// MicroPython's poll has none. Do not close a number while it is registered: as with epoll, the
// Poll may not notice that, or may report Events of the number's next owner.
type FD int

// An Object computes its own readiness, as MicroPython's ioctl(3, mask) does. Each poll calls the
// method at least once, with the present mask, on the goroutine that polls. While a poll waits, it
// calls the method every millisecond, unless the Object is a Notifier.
//
// The poll reports every bit of the result, even bits outside of the mask. 0 means not ready. If
// the method returns an error, the poll returns that error unchanged, and the Poll can still be
// used. The method may change the Poll that calls it, but must not wait on that Poll.
type Object interface {
	Poll(mask Events) (Events, error)
}

// A Notifier is an Object that notifies when it may have become ready. A poll that waits asks it
// after that, and not every millisecond. A Notifier stores one f, however many Polls have
// registered it. Notify replaces the previous f, and with nil the notifications end. Any goroutine
// may call f at any time. A call too many, or a late one, does no harm. Notify must not register or
// unregister its own object.
type Notifier interface {
	Object
	Notify(f func())
}

// sslPoller is an SSLSocket as an Object.
type sslPoller struct{ inside.Readier }

func (o sslPoller) Poll(mask Events) (Events, error) {
	r, e := o.PollReady(interestOf(mask) &^ poller.Pri) // TLS has no urgent data
	if e == kernel.EBADF {
		return POLLNVAL, nil
	}
	return eventsOf(r), fail("poll", e)
}

// An Event is one result of a poll: the object Obj is ready for Events.
type Event struct {
	Obj    Pollable
	Events Events
}

// eventsOf converts readiness to the numbers of poll(2).
func eventsOf(i poller.Readiness) Events {
	return Events(i&poller.In) | Events(i&(poller.Out|poller.Err|poller.Hup))<<1 | Events(i&poller.Pri)/Events(poller.Pri)*POLLPRI
}

// interestOf converts the bits of a mask that a Poller reports only if they are requested.
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
