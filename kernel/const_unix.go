//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// Errno is the number of an error; 0 is success. It is what the system call gave, unboxed.
type Errno = unix.Errno

const (
	afInet  = unix.AF_INET
	afInet6 = unix.AF_INET6
	afUnix  = unix.AF_UNIX
)
