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
	POLLHUP  Events = 16 // both directions are over, or not there yet; reported unasked
	POLLNVAL Events = 32 // closed, or no open descriptor; reported unasked
)

// unasked is what every mask lets through.
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

// A Pollable is what can be registered; the same one is the same registration. It is one of
//
//   - a *socket.SSLSocket or a *socket.Socket;
//   - another *Poll, but neither the Poll itself (EINVAL) nor one that the Poll is in (ELOOP);
//   - whatever else has a method Desc() *desc.Desc;
//   - an FD;
//   - an Object, best by pointer: equal values would be the same object.
//
// A Poll keeps what is registered alive until it is unregistered or the Poll closed.
type Pollable any

// An FD is a bare descriptor number, open or not. One that is not open is POLLNVAL, and asked about
// again at each poll; so is the Poll's own, which MicroPython's poll does not have. Closing a
// number while it is registered is the caller's error, as with epoll: it may go unnoticed, or be
// reported for the same number's next owner.
type FD int

// An Object is ready for what its method says, which is MicroPython's ioctl(3, mask). Each poll
// asks it at least once with its present mask, on the goroutine that polls, and reports every bit
// of the answer, asked for or not; 0 is not ready. Its error is the poll's error, as it is; the
// Poll stays usable. While a poll waits, an Object is asked every millisecond, unless it is a
// Notifier. It may change the Poll that asks, but not wait for it.
type Object interface {
	Poll(mask Events) (Events, error)
}

// A Notifier is an Object that reports when it may have become ready, so that a waiting poll asks
// it then instead of every millisecond. It has to hold one f, whatever the number of Polls that
// have it registered: Notify replaces the f before, and nil ends the notification. f may be called
// by any goroutine, at any time, also too often and too late. Notify must not register or
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

// An Event says that Obj has had Events.
type Event struct {
	Obj    Pollable
	Events Events
}

// eventsOf is the same in poll(2)'s numbers.
func eventsOf(i poller.Readiness) Events {
	return Events(i&poller.In) | Events(i&(poller.Out|poller.Err|poller.Hup))<<1 | Events(i&poller.Pri)/Events(poller.Pri)*POLLPRI
}

// interestOf is what a mask asks for; the rest is told unasked.
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
