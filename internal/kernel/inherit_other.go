//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

// Adopt returns an error: this system cannot pass descriptors.
func Adopt(fd int) Errno { return ENOSYS }

// Duplicate returns an error: this system cannot pass descriptors.
func Duplicate(fd int) (int, Errno) { return -1, ENOSYS }

// CloseOnExec does nothing: there are no inherited descriptors.
func CloseOnExec(fd int) {}

// IsPipe returns false: there are no inherited descriptors.
func IsPipe(fd int) bool { return false }
