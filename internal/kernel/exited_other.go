//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

// Exited returns false: this system does not report it.
func Exited(pid int) bool { return false }
