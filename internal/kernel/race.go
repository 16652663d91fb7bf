//go:build race

package kernel

import (
	"runtime"
	"unsafe"
)

// A raw system call is invisible to the race detector. With these functions, package kernel reports
// what package syscall reports for its calls: a call reads or writes its buffer, and everything
// before a send happens before every later receive.

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
