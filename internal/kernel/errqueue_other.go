//go:build !linux

package kernel

// DropErrors returns 0: sockets of this system have no error queue.
func DropErrors(k Kernel, fd, n int) (dropped int) { return 0 }
