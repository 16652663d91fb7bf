package kernel

import "golang.org/x/sys/unix"

// DropErrors drops at most n messages of the socket's error queue and returns how many. While the
// queue has messages, the Poller reports Err, and the messages use the room for received data. A
// simulated kernel has no such queue.
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
