package reactor

import (
	"errors"
	"fmt"
	"net"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// sentinel is an error of this package that wraps another one.
type sentinel struct {
	text string
	is   error
}

func (e *sentinel) Error() string { return e.text }
func (e *sentinel) Unwrap() error { return e.is }

var (
	// ErrClosed is returned by every method of a closed Conn, Listener, PacketConn or Reactor. It
	// is net.ErrClosed.
	ErrClosed error = &sentinel{"reactor: use of what is closed", net.ErrClosed}
	// ErrAborted is the error that Closed gets after Abort.
	ErrAborted = errors.New("reactor: connection aborted")
	// ErrFull is returned by Post when as many functions wait as WithPostLimit allows.
	ErrFull = errors.New("reactor: too many posted functions wait; raise WithPostLimit or slow down")
	// ErrBuffered is returned by Send past the Conn's limit: nothing of that call is queued. It is
	// ENOBUFS.
	ErrBuffered error = &sentinel{"reactor: more than the connection's cap is buffered: the peer does not read; wait for Drained", kernel.ENOBUFS}
	// ErrWriteClosed is returned by Send after CloseWrite. It is EPIPE.
	ErrWriteClosed error = &sentinel{"reactor: send after CloseWrite", kernel.EPIPE}
	// ErrTruncated is the error that Lost gets for a received datagram that did not fit. It is
	// EMSGSIZE.
	ErrTruncated error = &sentinel{"reactor: a datagram did not fit", kernel.EMSGSIZE}
	// ErrIncomplete is returned by the methods of an Input when fewer bytes have arrived.
	ErrIncomplete = desc.ErrIncomplete
	// ErrInputLimit is returned by the methods of an Input that are asked for more bytes than its
	// limit. Closed gets it if a handler leaves more bytes than that unconsumed while the Conn is
	// still read.
	ErrInputLimit = desc.ErrInputLimit
	// ErrStuck is the error that Closed gets when the peer of a closing Conn has received nothing
	// for the time of WithLinger.
	ErrStuck = errors.New("reactor: gave up closing: the peer does not take what was sent")
)

var errOwesFile = errors.New("reactor: detach: a file of SendFile waits for the kernel; detach when Buffered is 0")

var errOwesFIN = errors.New("reactor: detach: CloseWrite's FIN waits for output that the kernel has not taken; detach when Buffered is 0")

// UndeliveredError counts the output that a drain had not delivered by its deadline.
type UndeliveredError struct {
	Conns int   // connections that were aborted
	Bytes int64 // bytes sent on them that their peers had not acknowledged
}

func (e *UndeliveredError) Error() string {
	return fmt.Sprintf("reactor: shut down with %d bytes undelivered on %d connections", e.Bytes, e.Conns)
}

// opError adds the operation and the address to an error.
func opError(op, network, addr string, err error) error {
	return fmt.Errorf("reactor: %s %s %s: %w", op, network, addr, err)
}

// callError names the system call, as os.SyscallError does.
func callError(call string, e kernel.Errno) error { return fmt.Errorf("%s: %w", call, e) }
