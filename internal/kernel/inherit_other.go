//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

// Adopt returns ENOSYS: this system cannot pass descriptors.
func Adopt(fd int) Errno { return ENOSYS }

// Duplicate returns ENOSYS: this system cannot pass descriptors.
func Duplicate(fd int) (int, Errno) { return -1, ENOSYS }

// CloseOnExec does nothing, because a program inherits no descriptors on this system.
func CloseOnExec(fd int) {}

// IsPipe returns false, because a program inherits no descriptors on this system.
func IsPipe(fd int) bool { return false }
