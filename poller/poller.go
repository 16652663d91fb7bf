package poller

import (
	"errors"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// Interest is a set of the things that can be worth trying.
type Interest uint8

const (
	In   Interest = 1 << iota // reading: data, end of file, a connection to accept, a pending error
	Out                       // writing, or the end of a connect
	Err                       // an error is pending; reported unasked
	Hup                       // both directions are over; reported unasked
	Edge                      // asked only: report changes instead of states
	End                       // a short read is not the last, for a FIN or an urgent byte is there; told with Edge, perhaps without
	Pri                       // urgent data of TCP; reported if asked for, and by epoll only
)

func (i Interest) String() string {
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
	Ready Interest
}

// A Poller is one kernel's list of descriptors. Wait belongs to one goroutine at a time; everything else may be called
// by any.
type Poller interface {
	// Add begins to watch fd. What is ready already is reported by the next Wait, with Edge too. gen comes back in
	// every Event of this registration; 0 is reserved. Adding twice is EEXIST, a file that cannot be polled EPERM.
	Add(fd int, gen uint32, want Interest) error
	// Mod changes what is wanted (and gen); what is ready at that moment is reported anew. Unknown fd: ENOENT.
	Mod(fd int, gen uint32, want Interest) error
	// Del ends the watch. Always before close: a duplicate of fd would keep the registration alive. Events of fd that
	// Wait has already returned are the caller's to skip, by Gen. Unknown fd: ENOENT.
	Del(fd int) error
	// Wait returns at least one Event, or none after a Wake or when until has passed — never before. A signal
	// does not end it. Events beyond len(events) stay for the next Wait.
	Wait(events []Event, until timeout.Deadline) (int, error)
	// Wake ends the present Wait, or the next if there is none. Many Wakes before one Wait cost one system call.
	Wake() error
	// FD is the poller's own descriptor, readable while Events wait: another Poller can watch it.
	FD() int
	// Close gives back the poller's descriptors. No Wait may be in progress.
	Close() error
}

// ErrUnsupported is what New returns on a system without epoll or kqueue.
var ErrUnsupported = errors.New("poller: this system has neither epoll nor kqueue; supported are linux, darwin, freebsd, netbsd, openbsd and dragonfly")

// Now reads the host's monotonic clock, the one that host Pollers wait by.
func Now() timeout.Deadline { return timeout.Deadline(time.Since(epoch)) + 1 }

// epoch carries Go's monotonic reading (CLOCK_MONOTONIC on Linux); Since reads only that half of the clock.
// mustHaveRoom is for Wait: an empty slice has no room for an Event.
func mustHaveRoom(events []Event) {
	if len(events) == 0 {
		panic("poller: Wait with an empty slice; give it room for one Event or more")
	}
}

var epoch = time.Now()
