//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

// Adopt is for systems that pass descriptors.
func Adopt(fd int) Errno { return ENOSYS }

// Duplicate is for systems that pass descriptors.
func Duplicate(fd int) (int, Errno) { return -1, ENOSYS }

// CloseOnExec is for what was inherited.
func CloseOnExec(fd int) {}

// IsPipe is for what was inherited.
func IsPipe(fd int) bool { return false }
