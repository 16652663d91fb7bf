package netconn

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// The errors of this package are those of package net. A method of base returns one of these:
//
//   - fail(op, e), if a call of a Desc has returned the Errno e;
//   - failed(op, err), if a method of the Socket has returned err;
//   - opError(op, err), if err is already the cause.
//
// All three return a *net.OpError with the connection's network and addresses. cause chooses the
// error inside it: net.ErrClosed, os.ErrDeadlineExceeded, or an *os.SyscallError.
//
// Dial, Listen and ListenPacket have no base yet, so they make the *net.OpError themselves. For an
// error of a Socket's method, osCause returns the cause. For an error that may come from a context,
// mapContext returns it.

// timeoutError is the cause of a dial that has run out of time. As in package net, it matches
// context.DeadlineExceeded and reports a timeout.
type timeoutError struct{}

func (timeoutError) Error() string        { return "i/o timeout" }
func (timeoutError) Timeout() bool        { return true }
func (timeoutError) Temporary() bool      { return true }
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// canceledError is the cause of a dial whose context was cancelled.
type canceledError struct{}

func (canceledError) Error() string        { return "operation was canceled" }
func (canceledError) Is(target error) bool { return target == context.Canceled }

// mapContext replaces a context's error by the error that package net returns for it. It returns
// any other error unchanged.
func mapContext(err error) error {
	switch err {
	case context.Canceled:
		return canceledError{}
	case context.DeadlineExceeded:
		return timeoutError{}
	}
	return err
}

// calls maps an operation to the system call that the error's text names.
var calls = map[string]string{"read": "read", "write": "write", "accept": "accept", "close": "close", "raw-read": "read",
	"raw-write": "write", "set": "setsockopt"}

// failed returns the error of a call in which a method of the Socket has returned err.
func (b *base) failed(op string, err error) error { return b.opError(op, b.reason(op, err)) }

// reason returns the cause for an error of a method of the Socket, or nil for nil.
func (b *base) reason(op string, err error) error {
	if e, ok := err.(*socket.OSError); ok {
		return b.cause(op, kernel.Errno(e.Errno))
	}
	return err
}

// fail returns the error of a call that has ended with e.
func (b *base) fail(op string, e kernel.Errno) error { return b.opError(op, b.cause(op, e)) }

// opError wraps a cause.
func (b *base) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: b.net, Source: b.local, Addr: b.remote, Err: err}
}

// cause returns the error inside the *net.OpError of a call that has ended with e.
func (b *base) cause(op string, e kernel.Errno) error {
	switch {
	case e == kernel.EBADF && b.d.Closed():
		return net.ErrClosed
	case e == kernel.ETIMEDOUT && b.d.DeadlinePassed():
		return os.ErrDeadlineExceeded
	case e == kernel.EDEADLK: // the text of an OSError says what to do
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

// passing is an error of accept that does not concern the listener. It reports that it is
// temporary, so servers such as net/http's continue after it. Package net does not report these
// errors as temporary, so such servers end.
type passing struct{ kernel.Errno }

func (passing) Temporary() bool { return true }
func (e passing) Unwrap() error { return e.Errno }

// osCause returns the cause of a Socket's error, before a base exists.
func osCause(call string, err error) error {
	if err == nil {
		return nil
	}
	var e *socket.OSError
	if !errors.As(err, &e) || e.Errno <= 0 || kernel.Errno(e.Errno) == kernel.EDEADLK {
		return err
	}
	if kernel.Errno(e.Errno) == kernel.ENAMETOOLONG { // a Unix path is too long
		return os.NewSyscallError(call, kernel.EINVAL)
	}
	return os.NewSyscallError(call, kernel.Errno(e.Errno))
}
