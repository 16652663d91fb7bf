package kevent

import (
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// A Queue is one kqueue with its waker. Only Wait sleeps. Wait, Event and Woken belong to the
// goroutine that waits; Change is called by one goroutine at a time, and Wake by any.
type Queue interface {
	Now() timeout.Deadline // reads the clock by which Wait measures time

	// Pollable returns Errors.Perm for files, directories and disks. A kqueue accepts them, but
	// epoll does not.
	Pollable(fd int) error
	// Change is kevent(2) with a list of changes and no room for events. It ends at the first
	// change that fails, and the changes before that one stand.
	Change(list []Change) error
	// Wait is kevent(2) with room for n events. A negative time means no limit. It may return early
	// without an event.
	Wait(n int, left time.Duration) (int, error)
	// Event returns the ith event of the last Wait.
	Event(i int) Event
	// Woken empties the waker after its event.
	Woken()
	// Wake makes the present or the next Wait return the waker's event.
	Wake() error

	FD() int
	Close() error
	Errors() Errors
}

// Pollers is package poller, which sets it. Its type is an interface, so the linker drops the code
// for kqueues from programs that do not call it.
var Pollers interface {
	// New makes a poller.Poller over a Queue that is not the system's.
	New(Queue) any
}

// A Change is about one filter of a descriptor: EVFILT_READ, or EVFILT_WRITE with Write.
type Change struct {
	FD    int
	Write bool
	Flags int // EV_ADD …
	Gen   uint32
}

// An Event is the report of one filter. Wake marks the event of the waker.
type Event struct {
	FD            int32
	Gen           uint32
	Flags, Fflags uint32
	Write, Wake   bool
}

// Errors are the error numbers that package poller needs by name.
type Errors struct{ Perm, NoDev, NoEnt, Exist, BadFD error }

// Flags of a kevent (sys/event.h). The numbers are the same on all five systems; those of the
// filters differ.
const (
	Add     = 0x1
	Delete  = 0x2
	Enable  = 0x4
	OneShot = 0x10
	Clear   = 0x20
	Error   = 0x4000
	EOF     = 0x8000
)
