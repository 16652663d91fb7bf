package poller

import (
	"errors"

	"github.com/ureactor/ureactor/timeout"
)

// An Interest is what a Poller is asked to report: a set of In, Out, Pri and Edge.
type Interest uint8

// A Readiness is what a Poller reports: a set of In, Out, Pri, Err, Hup and End.
type Readiness uint8

// Both sets have these, so they are untyped.
const (
	In  = 1 << 0 // reading: data, end of file, a connection to accept, a pending error
	Out = 1 << 1 // writing, or the end of a connect
	Pri = 1 << 6 // urgent data of TCP; reported if asked for, and by epoll only
)

// Edge asks for changes instead of states.
const Edge Interest = 1 << 4

// These are reported unasked.
const (
	Err Readiness = 1 << 2 // an error is pending
	Hup Readiness = 1 << 3 // both directions are closed
	// End: the peer has ended, or (by epoll only) urgent data waits. So a short read does not prove
	// that the socket is empty. It is reported with Edge, and perhaps without.
	End Readiness = 1 << 5
)

func (i Interest) String() string { return names(uint8(i)) }

func (r Readiness) String() string { return names(uint8(r)) }

func names(i uint8) string {
	if i == 0 {
		return "none"
	}
	s := ""
	for bit, name := range []string{"in", "out", "err", "hup", "edge", "end", "pri"} {
		if i&(1<<bit) != 0 {
			s += "+" + name
		}
	}
	return s[1:]
}

// An Event says that the descriptor that was added under Gen is Ready.
type Event struct {
	FD    int32
	Gen   uint32
	Ready Readiness
}

// A Poller is one kernel's list of descriptors. Wait belongs to one goroutine at a time; everything
// else may be called by any.
type Poller interface {
	// Add begins to watch fd. The next Wait reports readiness that exists already, also with Edge.
	// gen comes back in every Event of this registration; 0 is reserved. Adding twice is EEXIST, a
	// file that cannot be polled EPERM.
	Add(fd int, gen uint32, want Interest) error
	// Mod changes what is wanted (and gen); what is ready at that moment is reported anew. Unknown
	// fd: ENOENT.
	Mod(fd int, gen uint32, want Interest) error
	// Del ends the watch. Always before close: a duplicate of fd would keep the registration alive.
	// Events of fd that Wait has already returned are the caller's to skip, by Gen. Unknown fd:
	// ENOENT.
	Del(fd int) error
	// Wait returns at least one Event, or none after a Wake or when until has passed — never
	// before. A signal does not end it. Events beyond len(events) stay for the next Wait.
	Wait(events []Event, until timeout.Deadline) (int, error)
	// Wake ends the present Wait, or the next if there is none. Many Wakes before one Wait cost one
	// system call.
	Wake() error
	// FD is the poller's own descriptor, readable while Events wait: another Poller can watch it.
	FD() int
	// Close gives back the poller's descriptors. No Wait may be in progress.
	Close() error
}

// ErrUnsupported is what New returns on a system without epoll or kqueue.
var ErrUnsupported = errors.New("poller: this system has neither epoll nor kqueue; supported are linux, darwin, freebsd, netbsd, openbsd and dragonfly")

// mustHaveRoom is for Wait: an empty slice has no room for an Event.
func mustHaveRoom(events []Event) {
	if len(events) == 0 {
		panic("poller: Wait with an empty slice; give it room for one Event or more")
	}
}
