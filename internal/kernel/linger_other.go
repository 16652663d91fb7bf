//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

// CloseAtOnce is Close.
func CloseAtOnce(k Kernel, fd int) Errno { return k.Close(fd) }
