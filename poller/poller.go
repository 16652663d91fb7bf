package poller

import (
	"errors"

	"github.com/ureactor/ureactor/timeout"
)

// An Interest is what a Poller is asked to report: a set of In, Out, Pri and Edge.
type Interest uint8

// A Readiness is what a Poller reports: a set of In, Out, Pri, Err, Hup and End.
type Readiness uint8

// These are in both sets, Interest and Readiness, so they are untyped.
const (
	In  = 1 << 0 // reading: data, end of file, a connection to accept, a pending error
	Out = 1 << 1 // writing, or the end of a connect
	Pri = 1 << 6 // urgent data of TCP; reported only if requested, and only by epoll
)

// Edge requests Events for changes of the readiness, instead of Events as long as it lasts.
const Edge Interest = 1 << 4

// These are reported with every Interest.
const (
	Err Readiness = 1 << 2 // an error is pending
	Hup Readiness = 1 << 3 // both directions are closed
	// End means that the peer has sent a FIN, or (by epoll only) that urgent data waits. So a short
	// read does not prove that the socket is empty. End is reported with Edge. Without Edge some
	// Pollers report it.
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

// An Event reports that descriptor FD, in its registration Gen, is Ready.
type Event struct {
	FD    int32
	Gen   uint32
	Ready Readiness
}

// A Poller is a list of descriptors in the kernel: an epoll or a kqueue. One goroutine at a time
// may call Wait. Any goroutine may call the other methods.
type Poller interface {
	// Add registers fd. The next Wait reports readiness that exists already, also with Edge. Every
	// Event of this registration has gen; 0 is reserved. Add returns EEXIST if fd is registered,
	// and EPERM for a file that cannot be polled.
	Add(fd int, gen uint32, want Interest) error
	// Mod changes the interest and gen. Readiness that exists at that moment is reported again. Mod
	// returns ENOENT if fd is not registered.
	Mod(fd int, gen uint32, want Interest) error
	// Del unregisters fd. Call it before close, because a duplicate of fd would keep the
	// registration alive. Wait may already have returned Events of fd: skip them by Gen. Del
	// returns ENOENT if fd is not registered.
	Del(fd int) error
	// Wait returns at least one Event, or none after a Wake or when until has passed, but never
	// before until. A signal does not end Wait. Events beyond len(events) stay for the next Wait.
	Wait(events []Event, until timeout.Deadline) (int, error)
	// Wake ends the present Wait, or the next if there is none. Many Wakes before one Wait cost one
	// system call.
	Wake() error
	// FD returns the poller's own descriptor. It is readable while Events wait, so another Poller
	// can watch it.
	FD() int
	// Close closes the poller's descriptors. No Wait may be in progress.
	Close() error
}

// ErrUnsupported is the error of New on a system without epoll or kqueue.
var ErrUnsupported = errors.New("poller: this system has neither epoll nor kqueue; supported are linux, darwin, freebsd, netbsd, openbsd and dragonfly")

// mustHaveRoom panics if Wait gets an empty slice, which has no room for an Event.
func mustHaveRoom(events []Event) {
	if len(events) == 0 {
		panic("poller: Wait with an empty slice; give it room for one Event or more")
	}
}
