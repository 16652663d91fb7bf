//go:build race

package kernel

import (
	"runtime"
	"unsafe"
)

// A raw system call is invisible to the race detector. These tell it what package syscall tells it
// for its own: that a call reads or writes the buffer, and that what was done before a send happens
// before the receive that answers it.

var ioSync int64

func raceRead(p []byte) {
	if len(p) > 0 {
		runtime.RaceReadRange(unsafe.Pointer(&p[0]), len(p))
	}
}

func raceWrite(p []byte) {
	if len(p) > 0 {
		runtime.RaceWriteRange(unsafe.Pointer(&p[0]), len(p))
	}
}

func raceAcquire() { runtime.RaceAcquire(unsafe.Pointer(&ioSync)) }
func raceRelease() { runtime.RaceReleaseMerge(unsafe.Pointer(&ioSync)) }
