package kernel

import "math"

// ReadsFully reports whether a short read of a TCP socket has emptied the socket. If the Poller has
// reported End, it may not have. ReadsFully is not one of the Traits, because it is a promise of
// k's own Recv: a Kernel that wraps k may shorten reads.
func ReadsFully(k Kernel) bool {
	r, ok := k.(interface{ ReadsFully() bool })
	return ok && r.ReadsFully()
}

// Waiting returns how much input waits at the descriptor, or how many connections wait to be
// accepted. The unit depends on the kernel, and the end of input counts too. So the result is only
// good for comparison with another result. It is -1 if k cannot report it.
func Waiting(k Kernel, fd int) int {
	if w, ok := k.(interface{ Waiting(fd int) int }); ok {
		return w.Waiting(fd)
	}
	return waiting(k, fd)
}

// MaxFiles returns how many descriptors the program may have on k (RLIMIT_NOFILE). If k cannot
// report that, it returns math.MaxInt.
func MaxFiles(k Kernel) int {
	if s, ok := k.(interface{ MaxFiles() int }); ok {
		return s.MaxFiles()
	}
	return math.MaxInt
}

// CloseAtOnce closes fd without a wait, for a loop. If another owner has set SO_LINGER, close(2) of
// a TCP socket waits for the peer, even with O_NONBLOCK.
func CloseAtOnce(k Kernel, fd int) Errno {
	if c, ok := k.(interface{ CloseAtOnce(fd int) Errno }); ok {
		return c.CloseAtOnce(fd)
	}
	return k.Close(fd)
}
