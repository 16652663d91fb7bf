package netconn

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

var errDeadline = os.ErrDeadlineExceeded

// timeoutError is a dial that ran out of time: as package net's, it is context.DeadlineExceeded and
// a timeout.
type timeoutError struct{}

func (timeoutError) Error() string        { return "i/o timeout" }
func (timeoutError) Timeout() bool        { return true }
func (timeoutError) Temporary() bool      { return true }
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// canceledError is a dial whose context was cancelled.
type canceledError struct{}

func (canceledError) Error() string        { return "operation was canceled" }
func (canceledError) Is(target error) bool { return target == context.Canceled }

// mapContext is a context's error as package net tells it.
func mapContext(err error) error {
	switch err {
	case context.Canceled:
		return canceledError{}
	case context.DeadlineExceeded:
		return timeoutError{}
	}
	return err
}

// calls are the system calls behind the operations, for the errors' text.
var calls = map[string]string{"read": "read", "write": "write", "accept": "accept", "close": "close", "raw-read": "read",
	"raw-write": "write", "set": "setsockopt"}

// failed is what a Socket's error is here.
func (b *base) failed(op string, err error) error {
	if e, ok := err.(*socket.OSError); ok {
		return b.fail(op, kernel.Errno(e.Errno))
	}
	return b.opError(op, err)
}

func (b *base) fail(op string, e kernel.Errno) error { return b.opError(op, b.cause(op, e)) }

func (b *base) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: b.net, Source: b.local, Addr: b.remote, Err: err}
}

// cause is the error inside an OpError.
func (b *base) cause(op string, e kernel.Errno) error {
	switch {
	case e == kernel.EBADF && b.d.Closed():
		return net.ErrClosed
	case e == kernel.ETIMEDOUT && b.d.DeadlinePassed():
		return os.ErrDeadlineExceeded
	case e == kernel.EDEADLK: // its text says what to do
		return &socket.OSError{Errno: int(e), Op: op}
	}
	if call := calls[op]; call != "" {
		op = call
	}
	if err := (&socket.OSError{Errno: int(e), Op: op}); op == "accept" && err.Temporary() && !e.Temporary() {
		return os.NewSyscallError(op, passing{e})
	}
	return os.NewSyscallError(op, e)
}

// passing is an error of accept that says nothing of the listener: servers such as net/http's go on
// after it, for it is temporary. Package net does not say so, and they end.
type passing struct{ kernel.Errno }

func (passing) Temporary() bool { return true }
func (e passing) Unwrap() error { return e.Errno }

// osCause is the cause in a Socket's error where there is no base yet.
func osCause(call string, err error) error {
	var e *socket.OSError
	if !errors.As(err, &e) || e.Errno <= 0 || kernel.Errno(e.Errno) == kernel.EDEADLK {
		return err
	}
	if kernel.Errno(e.Errno) == kernel.ENAMETOOLONG { // of a Unix path
		return os.NewSyscallError(call, kernel.EINVAL)
	}
	return os.NewSyscallError(call, kernel.Errno(e.Errno))
}
