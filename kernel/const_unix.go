//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "syscall"

// Errno is the number of an error; 0 is success. It is not an error interface, so returning it does
// not allocate.
type Errno = syscall.Errno

const (
	afInet  = syscall.AF_INET
	afInet6 = syscall.AF_INET6
	afUnix  = syscall.AF_UNIX
)
