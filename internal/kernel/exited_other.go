//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

// Exited returns false, because this system does not report the end of a process.
func Exited(pid int) bool { return false }
