package kernel

import "golang.org/x/sys/unix"

// DropErrors removes at most n messages from the error queue of a socket, and returns how many.
// While the queue has messages, the Poller reports Err. The messages also use up memory that
// received data needs. A simulated kernel has no error queue.
func DropErrors(k Kernel, fd, n int) (dropped int) {
	if _, ok := k.(*host); !ok {
		return 0
	}
	for dropped < n {
		if _, _, e := k.RecvFrom(fd, nil, unix.MSG_ERRQUEUE); e != 0 {
			break
		}
		dropped++
	}
	return dropped
}
