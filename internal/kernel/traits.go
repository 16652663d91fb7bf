package kernel

import "math"

// ReadsFully reports whether a short read of TCP on k has emptied the socket, unless the Poller
// reports End. It is no trait, because it promises something of k's own Recv: a Kernel that wraps
// another one may shorten reads.
func ReadsFully(k Kernel) bool {
	r, ok := k.(interface{ ReadsFully() bool })
	return ok && r.ReadsFully()
}

// Waiting returns how much can be received from the descriptor, or how many connections can be
// accepted. It counts in the kernel's unit, and the end of input counts too: only compare two
// results. -1 means that k cannot report it.
func Waiting(k Kernel, fd int) int {
	if w, ok := k.(interface{ Waiting(fd int) int }); ok {
		return w.Waiting(fd)
	}
	return waiting(k, fd)
}

// MaxFiles returns how many descriptors the program may have on k: RLIMIT_NOFILE. It is
// math.MaxInt if k cannot report it.
func MaxFiles(k Kernel) int {
	if s, ok := k.(interface{ MaxFiles() int }); ok {
		return s.MaxFiles()
	}
	return math.MaxInt
}

// CloseAtOnce is Close for a loop, which cannot wait. close(2) of a TCP socket with SO_LINGER waits
// for the peer, even with O_NONBLOCK, and another owner may have set SO_LINGER.
func CloseAtOnce(k Kernel, fd int) Errno {
	if c, ok := k.(interface{ CloseAtOnce(fd int) Errno }); ok {
		return c.CloseAtOnce(fd)
	}
	return k.Close(fd)
}
