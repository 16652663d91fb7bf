package socket

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// An OSError is MicroPython's exception of that name. Errno is its args[0]: the number of an error
// of the host, a negative EAI_* number of GetAddrInfo, or a negative number of mbedtls.
//
// errors.Is matches an OSError with the syscall.Errno of the same number. It also matches ETIMEDOUT
// with os.ErrDeadlineExceeded, and EBADF with net.ErrClosed. Every call on a closed socket returns
// EBADF. An OSError is a net.Error.
type OSError struct {
	Errno int
	Op    string // the name of the call
}

func (e *OSError) Error() string {
	if text := e.Text(); text != "" {
		return fmt.Sprintf("socket: %s: [TLS error %d] %s", e.Op, e.Errno, text)
	}
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

// Is matches the errors that Unwrap does not match.
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

// Unwrap returns the number as a syscall.Errno. So errors.Is also matches os.ErrPermission,
// fs.ErrNotExist and others.
func (e *OSError) Unwrap() error {
	if e.Errno <= 0 {
		return nil
	}
	return kernel.Errno(e.Errno)
}

// As sets a target of type *syscall.Errno to the number.
func (e *OSError) As(target any) bool {
	if t, ok := target.(*kernel.Errno); ok && e.Errno > 0 {
		*t = kernel.Errno(e.Errno)
		return true
	}
	return false
}

// Timeout returns whether the call has timed out.
func (e *OSError) Timeout() bool { return kernel.Errno(e.Errno) == kernel.ETIMEDOUT }

// Temporary returns whether the same call may succeed later. For Accept it returns true for every
// error that does not concern the listener.
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

// ErrValue is MicroPython's ValueError: an argument is out of its range. The call had no effect.
var ErrValue = errors.New("ValueError")

// A valueError names the argument and its range.
type valueError struct{ op, text string }

func (e *valueError) Error() string { return "socket: " + e.op + ": " + e.text }
func (e *valueError) Unwrap() error { return ErrValue }

func badValue(op op, format string, args ...any) error {
	return &valueError{op.String(), fmt.Sprintf(format, args...)}
}

// An op is a call. Its text is the name of the call in errors.
type op uint8

const (
	opSocket op = iota
	opAccept
	opBind
	opClose
	opConnect
	opContext
	opData
	opDetach
	opGetAddrInfo
	opGetOpt
	opInetNtop
	opInetPton
	opListen
	opLoadCert
	opLoadVerify
	opLocalAddr
	opMakeFile
	opRead
	opReadInto
	opReadLine
	opRecv
	opRecvFrom
	opRecvMsg
	opRemoteAddr
	opSend
	opSendAll
	opSendMsg
	opSendTo
	opSetBlocking
	opSetCiphers
	opSetOpt
	opSetTimeout
	opShutdown
	opVerifyMode
	opWrap
	opWrite
	ops
)

var opNames = [ops]string{opSocket: "socket", opAccept: "accept", opBind: "bind", opClose: "close", opConnect: "connect",
	opContext: "SSLContext", opData: "data", opDetach: "detach", opGetAddrInfo: "getaddrinfo", opGetOpt: "getsockopt",
	opInetNtop: "inet_ntop", opInetPton: "inet_pton", opListen: "listen", opLoadCert: "load_cert_chain",
	opLoadVerify: "load_verify_locations", opLocalAddr: "getsockname", opMakeFile: "makefile", opRead: "read",
	opReadInto: "readinto", opReadLine: "readline", opRecv: "recv", opRecvFrom: "recvfrom", opRecvMsg: "recvmsg",
	opRemoteAddr: "getpeername", opSend: "send", opSendAll: "sendall", opSendMsg: "sendmsg", opSendTo: "sendto",
	opSetBlocking: "setblocking", opSetCiphers: "set_ciphers", opSetOpt: "setsockopt", opSetTimeout: "settimeout",
	opShutdown: "shutdown", opVerifyMode: "verify_mode", opWrap: "wrap_socket", opWrite: "write"}

func (o op) String() string { return opNames[o] }

func fail(o op, e desc.Errno) error {
	if e == 0 {
		return nil
	}
	return &OSError{Errno: int(e), Op: opNames[o]}
}

// fail returns the error of a call. A non-blocking Socket often returns EAGAIN, so it stores its
// last EAGAIN error and returns that one again. Two Sockets do not share one error, because a
// program may change the fields of the error.
func (s *Socket) fail(o op, e desc.Errno) error {
	if e != kernel.EAGAIN {
		return fail(o, e)
	}
	if last := s.again.Load(); last != nil && last.Errno == int(e) && last.Op == opNames[o] {
		return last
	}
	err := &OSError{Errno: int(e), Op: opNames[o]}
	s.again.Store(err)
	return err
}
