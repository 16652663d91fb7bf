package reactor

import (
	"errors"
	"fmt"
	"net"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// A sentinel is an error of this package that wraps another error.
type sentinel struct {
	text string
	is   error
}

func (e *sentinel) Error() string { return e.text }
func (e *sentinel) Unwrap() error { return e.is }

var (
	// ErrClosed is returned by the methods of a Conn, Listener, PacketConn or Reactor that is
	// closed. It wraps net.ErrClosed.
	ErrClosed error = &sentinel{"reactor: use of a closed object", net.ErrClosed}
	// ErrAborted is the error that Closed gets after Abort.
	ErrAborted = errors.New("reactor: connection aborted")
	// ErrFull is returned by Post if as many functions wait as WithPostLimit allows.
	ErrFull = errors.New("reactor: too many posted functions wait; raise WithPostLimit or slow down")
	// ErrBuffered is returned by Send if more than the Conn's limit would be buffered. Such a Send
	// has queued nothing. ErrBuffered wraps ENOBUFS.
	ErrBuffered error = &sentinel{"reactor: the peer does not read, and the buffered output would be above the limit; wait for Drained", kernel.ENOBUFS}
	// ErrWriteClosed is returned by Send after CloseWrite. It wraps EPIPE.
	ErrWriteClosed error = &sentinel{"reactor: send after CloseWrite", kernel.EPIPE}
	// ErrTruncated is the error that Lost gets if a received datagram was longer than the buffer.
	// It wraps EMSGSIZE.
	ErrTruncated error = &sentinel{"reactor: a datagram did not fit", kernel.EMSGSIZE}
	// ErrIncomplete is returned by the methods of an Input if fewer bytes have arrived than
	// requested.
	ErrIncomplete = desc.ErrIncomplete
	// ErrInputLimit is returned by the methods of an Input if more bytes are requested than its
	// limit. Closed gets it if the handler of a Conn that is read has left more than that number of
	// bytes.
	ErrInputLimit = desc.ErrInputLimit
	// ErrStuck is the error that Closed gets if the peer of a closing Conn has received nothing for
	// the time of WithLinger.
	ErrStuck = errors.New("reactor: close: the peer has received nothing for the time of WithLinger")
)

var errOwesFile = errors.New("reactor: detach: the output has a file of SendFile; detach when Buffered is 0")

var errOwesFIN = errors.New("reactor: detach: the FIN of CloseWrite waits for the output; detach when Buffered is 0")

// UndeliveredError is the error of a drain that could not deliver all output before its deadline.
// The peers may have more of the bytes: an acknowledgement may be under way, and until a child that
// the process starts has called exec, the kernel keeps an aborted connection.
type UndeliveredError struct {
	Conns int   // the number of connections that were aborted
	Bytes int64 // how many bytes sent on them their peers have not acknowledged
}

func (e *UndeliveredError) Error() string {
	return fmt.Sprintf("reactor: shut down with %d bytes undelivered on %d connections", e.Bytes, e.Conns)
}

// opError adds the operation and the address to an error.
func opError(op, network, addr string, err error) error {
	return fmt.Errorf("reactor: %s %s %s: %w", op, network, addr, err)
}

// callError adds the name of the system call to an error, as os.SyscallError does.
func callError(call string, e kernel.Errno) error { return fmt.Errorf("%s: %w", call, e) }
