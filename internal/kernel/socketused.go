package kernel

import (
	"syscall"
	"time"
)

// SocketUsed reports whether a process has the socket of the file at the path. It connects a
// datagram socket to the path. If no process has the socket at the path, the kernel returns
// ECONNREFUSED. If a process has that socket, the kernel returns EPROTOTYPE, because the socket is
// no datagram socket. The process does not notice. After any other error the socket counts as used.
//
// A child that is being started has a copy of each descriptor until its exec has closed the copies.
// So after a close in this process, the result may still be true for a moment: see AwaitExec.
func SocketUsed(k Kernel, path string) (bool, Errno) {
	fd, e := k.Socket(AF_UNIX, SOCK_DGRAM, 0)
	if e != 0 {
		return true, e
	}
	defer k.Close(fd)
	switch e := k.Connect(fd, Addr{Family: AF_UNIX, Path: path}); e {
	case ECONNREFUSED:
		return false, 0
	case EPROTOTYPE:
		return true, 0
	default:
		return true, e
	}
}

// execTime is usually long enough for an exec that has begun.
const execTime = time.Millisecond

// AwaitExec waits until each child that is being started now has begun its exec, and for the time
// that an exec usually takes. It blocks its thread, so do not call it on a loop.
func AwaitExec(k Kernel) {
	awaitForks()
	PollFD(k, -1, 0, execTime)
}

// awaitForks waits for the lock that package syscall holds from a fork until the exec has begun.
func awaitForks() {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
}
