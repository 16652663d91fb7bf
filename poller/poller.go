package poller

import (
	"errors"

	"github.com/ureactor/ureactor/timeout"
)

// An Interest is what a Poller shall report: a set of In, Out, Pri and Edge.
type Interest uint8

// A Readiness is what a Poller reports: a set of In, Out, Pri, Err, Hup and End.
type Readiness uint8

// These constants are untyped, because they are used in an Interest and in a Readiness.
const (
	In  = 1 << 0 // a read is worth a try: data, end of file, a connection to accept, a pending error
	Out = 1 << 1 // a write is worth a try, or a connect has ended
	Pri = 1 << 6 // urgent data of TCP; reported only if requested, and only by epoll
)

// Edge requests an Event for each change of the readiness. Without Edge, Events come as long as the
// descriptor is ready.
const Edge Interest = 1 << 4

// These are reported, whatever the Interest is.
const (
	Err Readiness = 1 << 2 // an error is pending
	Hup Readiness = 1 << 3 // both directions are closed
	// End means that the peer has sent a FIN. From epoll it may also mean that urgent data waits.
	// After End, a short read does not prove that the socket is empty. End is reported with Edge. Some
	// Pollers report it without Edge too.
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

// An Event reports that the descriptor FD is Ready. Gen is the generation of its registration.
type Event struct {
	FD    int32
	Gen   uint32
	Ready Readiness
}

// A Poller is a list of descriptors in the kernel: an epoll or a kqueue. One goroutine at a time
// may call Wait. Any goroutine may call the other methods.
type Poller interface {
	// Add registers fd. If fd is ready already, the next Wait reports that, with Edge too. Every Event
	// of this registration has the number gen; 0 is reserved. Add returns EEXIST if fd is registered,
	// and EPERM if fd is a file that cannot be polled.
	Add(fd int, gen uint32, want Interest) error
	// Mod changes the Interest and gen. If fd is ready at that moment, the next Wait reports that
	// again. Mod returns ENOENT if fd is not registered.
	Mod(fd int, gen uint32, want Interest) error
	// Del unregisters fd. Call Del before you close fd, because a duplicate of fd would keep the
	// registration alive. A Wait may have returned Events of fd before Del: compare their Gen, and
	// skip them. Del returns ENOENT if fd is not registered.
	Del(fd int) error
	// Wait waits for an Event or a Wake, at most until the deadline. It stores the Events in events
	// and returns how many. It returns 0 only after a Wake, or when the deadline has passed. A signal
	// does not end Wait. Events beyond len(events) stay for the next Wait.
	Wait(events []Event, until timeout.Deadline) (int, error)
	// Wake ends the present Wait. If there is none, it ends the next one. Many Wakes before one Wait
	// cost one system call.
	Wake() error
	// FD returns the Poller's own descriptor. That descriptor is readable while Events or a Wake wait,
	// so another Poller can watch it.
	FD() int
	// Close closes the Poller's descriptors. No Wait may be in progress.
	Close() error
}

// ErrUnsupported is the error of New on a system without epoll or kqueue.
var ErrUnsupported = errors.New("poller: this system has neither epoll nor kqueue; supported are linux, darwin, freebsd, netbsd, openbsd and dragonfly")

// mustHaveRoom panics if Wait is called with an empty slice, in which no Event fits.
func mustHaveRoom(events []Event) {
	if len(events) == 0 {
		panic("poller: Wait with an empty slice; give it room for one Event or more")
	}
}
