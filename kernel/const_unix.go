//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "syscall"

// Errno is the number of an error; 0 is success. A method of a Kernel returns an Errno instead of
// an error, because an Errno in an interface may have to be allocated.
type Errno = syscall.Errno

const (
	afInet  = syscall.AF_INET
	afInet6 = syscall.AF_INET6
	afUnix  = syscall.AF_UNIX
)
