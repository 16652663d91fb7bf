package kevent

import (
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// A Queue is one kqueue with its waker. Wait is the only method that sleeps. Only the goroutine
// that waits calls Wait, Event and Woken. One goroutine at a time calls Change. Any goroutine may
// call Wake.
type Queue interface {
	Now() timeout.Deadline // the clock by which Wait measures time

	// Pollable returns Errors.Perm for files, directories and disks. A kqueue would accept them, but a
	// Poller refuses them on every system, because epoll does.
	Pollable(fd int) error
	// Change is kevent(2) with a list of changes and without room for events. It stops at the first
	// change that fails. The changes before that one stay made.
	Change(list []Change) error
	// Wait is kevent(2) with room for n events. If left is negative, there is no time limit. Wait may
	// return early without an event.
	Wait(n int, left time.Duration) (int, error)
	// Event returns the event with index i of the last Wait.
	Event(i int) Event
	// Woken empties the waker after Wait has returned the waker's event.
	Woken()
	// Wake makes the present Wait return the waker's event. If there is no Wait, the next one returns
	// it.
	Wake() error

	FD() int
	Close() error
	Errors() Errors
}

// Pollers makes Pollers for package sim. Package poller sets it. The linker drops the code for
// kqueues from programs that never call the method New of this interface.
var Pollers interface {
	// New makes a poller.Poller that uses q instead of the system's kevent(2).
	New(Queue) any
}

// A Change changes one filter of a descriptor: EVFILT_WRITE if Write is set, else EVFILT_READ.
type Change struct {
	FD    int
	Write bool
	Flags int // EV_ADD and other flags
	Gen   uint32
}

// An Event is what one filter reports. If Wake is set, it is the event of the waker.
type Event struct {
	FD            int32
	Gen           uint32
	Flags, Fflags uint32
	Write, Wake   bool
}

// Errors has the errors that package poller must recognize or return.
type Errors struct{ Perm, NoDev, NoEnt, Exist, BadFD error }

// These are the flags of a kevent (sys/event.h). Their numbers are the same on all five systems.
// The numbers of the filters differ.
const (
	Add     = 0x1
	Delete  = 0x2
	Enable  = 0x4
	OneShot = 0x10
	Clear   = 0x20
	Error   = 0x4000
	EOF     = 0x8000
)
