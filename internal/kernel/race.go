//go:build race

package kernel

import (
	"runtime"
	"unsafe"
)

// A raw system call is invisible to the race detector. These functions report the same as package
// syscall does for its calls. A call reads or writes its buffer. Everything before a send happens
// before every later receive.

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
