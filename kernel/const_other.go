//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

import "strconv"

// An Errno is the number of an error; 0 is success. On this system only simulated kernels run, and
// they use the numbers of Linux.
type Errno uintptr

func (e Errno) Error() string {
	if s, ok := errnoText[e]; ok {
		return s
	}
	return "errno " + strconv.Itoa(int(e))
}

// Timeout reports whether the error is EAGAIN or ETIMEDOUT, as package syscall's method does.
func (e Errno) Timeout() bool { return e == eagain || e == etimedout }

// Temporary reports whether a later try may succeed, as package syscall's method does.
func (e Errno) Temporary() bool { return e == eintr || e == emfile || e == enfile || e.Timeout() }

const (
	eintr     Errno = 4
	eagain    Errno = 11
	enfile    Errno = 23
	emfile    Errno = 24
	etimedout Errno = 110

	afUnix  = 1
	afInet  = 2
	afInet6 = 10
)

var errnoText = map[Errno]string{
	11:  "resource temporarily unavailable",
	114: "operation already in progress",
	13:  "permission denied",
	98:  "address already in use",
	99:  "cannot assign requested address",
	97:  "address family not supported by protocol",
	9:   "bad file descriptor",
	125: "operation canceled",
	103: "software caused connection abort",
	111: "connection refused",
	104: "connection reset by peer",
	89:  "destination address required",
	35:  "resource deadlock avoided",
	17:  "file exists",
	14:  "bad address",
	113: "no route to host",
	115: "operation now in progress",
	4:   "interrupted system call",
	5:   "input/output error",
	22:  "invalid argument",
	106: "transport endpoint is already connected",
	40:  "too many levels of symbolic links",
	24:  "too many open files",
	90:  "message too long",
	36:  "file name too long",
	100: "network is down",
	112: "host is down",
	101: "network is unreachable",
	23:  "too many open files in system",
	105: "no buffer space available",
	2:   "no such file or directory",
	19:  "no such device",
	12:  "cannot allocate memory",
	28:  "no space left on device",
	92:  "protocol not available",
	38:  "function not implemented",
	107: "transport endpoint is not connected",
	95:  "operation not supported",
	1:   "operation not permitted",
	32:  "broken pipe",
	71:  "protocol error",
	91:  "protocol wrong type for socket",
	93:  "protocol not supported",
	110: "connection timed out",
}
