package kernel

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Waiting is how much of the descriptor's receive buffer is taken, in the kernel's own bytes: only differences mean
// anything. It consumes nothing, no pending error either. -1 where k cannot tell.
func Waiting(k Kernel, fd int) int {
	var p [4]byte // the first of the array is the memory that received data takes
	if n, e := k.GetOptBytes(fd, unix.SOL_SOCKET, unix.SO_MEMINFO, p[:]); e != 0 || n < len(p) {
		return -1
	}
	return int(binary.NativeEndian.Uint32(p[:]))
}
