package kernel

import "math"

// ReadsFully reports whether a read of TCP on k that comes up short has emptied the socket, unless
// the Poller reports End. It is no trait, because it is a promise about k's own Recv: a Kernel that
// wraps another one may cut reads.
func ReadsFully(k Kernel) bool {
	r, ok := k.(interface{ ReadsFully() bool })
	return ok && r.ReadsFully()
}

// Waiting returns how much can be received from the descriptor, or how many connections can be
// accepted. The unit is the kernel's, and the end of the input counts too: only differences mean
// anything. -1 if k cannot say.
func Waiting(k Kernel, fd int) int {
	if w, ok := k.(interface{ Waiting(fd int) int }); ok {
		return w.Waiting(fd)
	}
	return waiting(k, fd)
}

// MaxFiles returns how many descriptors the program may have on k: RLIMIT_NOFILE. math.MaxInt if k
// cannot say.
func MaxFiles(k Kernel) int {
	if s, ok := k.(interface{ MaxFiles() int }); ok {
		return s.MaxFiles()
	}
	return math.MaxInt
}

// CloseAtOnce is Close for a loop, which cannot wait: close(2) of a TCP socket with SO_LINGER waits
// for the peer, O_NONBLOCK or not, and another owner may have set that.
func CloseAtOnce(k Kernel, fd int) Errno {
	if c, ok := k.(interface{ CloseAtOnce(fd int) Errno }); ok {
		return c.CloseAtOnce(fd)
	}
	return k.Close(fd)
}
