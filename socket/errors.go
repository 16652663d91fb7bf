package socket

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// An OSError is MicroPython's: Errno is its args[0], the host's number of the error, or a negative
// EAI_* one of GetAddrInfo. errors.Is knows it as that syscall.Errno; ETIMEDOUT is
// os.ErrDeadlineExceeded too, and EBADF, which is what every call on a closed socket gives,
// net.ErrClosed. It is a net.Error.
type OSError struct {
	Errno int
	Op    string // the call
}

func (e *OSError) Error() string {
	if e.Errno < 0 {
		return fmt.Sprintf("socket: %s: [addrinfo error %d] %s", e.Op, e.Errno, eaiText[e.Errno])
	}
	text := fmt.Sprintf("socket: %s: [Errno %d] %s", e.Op, e.Errno, kernel.Errno(e.Errno).Error())
	if kernel.Errno(e.Errno) == kernel.EDEADLK {
		if e.Op == opNames[opData] {
			return text + ": a callback of the loop has no buffer; use a Task, or RecvInto with Timeout 0"
		}
		text += ": a callback of the loop cannot wait; use a Task, or Timeout 0"
	}
	return text
}

// Is tells what else the error is, beside what Unwrap gives.
func (e *OSError) Is(target error) bool {
	if t, ok := target.(*OSError); ok {
		return *t == *e
	}
	switch target {
	case os.ErrDeadlineExceeded:
		return e.Timeout()
	case net.ErrClosed:
		return kernel.Errno(e.Errno) == kernel.EBADF
	}
	return false
}

// Unwrap is the number as a syscall.Errno, so that the error is os.ErrPermission, fs.ErrNotExist, …
// where that is.
func (e *OSError) Unwrap() error {
	if e.Errno <= 0 {
		return nil
	}
	return kernel.Errno(e.Errno)
}

// As gives the number as a syscall.Errno.
func (e *OSError) As(target any) bool {
	if t, ok := target.(*kernel.Errno); ok && e.Errno > 0 {
		*t = kernel.Errno(e.Errno)
		return true
	}
	return false
}

// Timeout tells whether the call's time was up.
func (e *OSError) Timeout() bool { return kernel.Errno(e.Errno) == kernel.ETIMEDOUT }

// Temporary tells whether the same call may succeed later. Of Accept that is every error that says
// nothing of the listener.
func (e *OSError) Temporary() bool {
	return e.Timeout() || kernel.Errno(e.Errno) == kernel.EAGAIN || e.Errno == EAI_AGAIN ||
		e.Op == opNames[opAccept] && e.Errno > 0 && passing(kernel.Errno(e.Errno)) && kernel.Errno(e.Errno) != kernel.EOPNOTSUPP
}

var eaiText = map[int]string{
	EAI_BADFLAGS:   "unknown flags",
	EAI_NONAME:     "name or service not known",
	EAI_AGAIN:      "temporary failure in name resolution",
	EAI_FAIL:       "failure in name resolution",
	EAI_FAMILY:     "address family not supported",
	EAI_SOCKTYPE:   "socket type not supported",
	EAI_SERVICE:    "service not supported for the socket type",
	EAI_ADDRFAMILY: "host has no address of the family",
}

// ErrValue is what an argument outside its range gives: MicroPython's ValueError. Nothing has
// happened then.
var ErrValue = errors.New("ValueError")

// valueError names the argument and its range.
type valueError struct{ op, text string }

func (e *valueError) Error() string { return "socket: " + e.op + ": " + e.text }
func (e *valueError) Unwrap() error { return ErrValue }

func badValue(op op, format string, args ...any) error {
	return &valueError{op.String(), fmt.Sprintf(format, args...)}
}

// An op is a call, by the name that its errors say.
type op uint8

const (
	opSocket op = iota
	opAccept
	opBind
	opClose
	opConnect
	opData
	opDetach
	opGetAddrInfo
	opGetOpt
	opInetNtop
	opInetPton
	opListen
	opLocalAddr
	opMakeFile
	opRead
	opReadInto
	opReadLine
	opRecv
	opRecvFrom
	opRemoteAddr
	opSend
	opSendAll
	opSendTo
	opSetBlocking
	opSetOpt
	opSetTimeout
	opShutdown
	opWrap
	opWrite
	ops
)

var opNames = [ops]string{"socket", "accept", "bind", "close", "connect", "data", "detach", "getaddrinfo", "getsockopt",
	"inet_ntop", "inet_pton", "listen", "getsockname", "makefile", "read", "readinto", "readline", "recv", "recvfrom",
	"getpeername", "send", "sendall", "sendto", "setblocking", "setsockopt", "settimeout", "shutdown", "wrap_socket", "write"}

func (o op) String() string { return opNames[o] }

// again has an EAGAIN for each call, made beforehand: a non-blocking socket gives them all the
// time.
var again = func() (list [ops]OSError) {
	for i := range list {
		list[i] = OSError{Errno: int(kernel.EAGAIN), Op: opNames[i]}
	}
	return list
}()

func fail(o op, e desc.Errno) error {
	switch e {
	case 0:
		return nil
	case kernel.EAGAIN:
		return &again[o]
	}
	return &OSError{Errno: int(e), Op: opNames[o]}
}
