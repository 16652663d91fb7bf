package websocket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// A Stream is a WebSocket connection for code in blocking style, on any net.Conn: one of netconn in
// a task or a goroutine, a TLS connection, or one of package net.
//
// One caller at a time may use Receive. Any number of callers may send at the same time. The same
// holds in tasks. Receive answers pings. The deadlines of NetConn apply to Receive and Send.
type Stream struct {
	nc        net.Conn
	in        *socket.Input
	d         decoder
	protocol  uint8
	request   *Request
	closeSent atomic.Bool
	receiving atomic.Bool
	end       error // the final result of Receive; belongs to its caller
}

// inputLimit is how many bytes of input a Stream stores or decodes at once.
const inputLimit = 1 << 20

// NetConn returns the connection below, for its deadlines and addresses.
func (s *Stream) NetConn() net.Conn { return s.nc }

// Request returns the client's handshake. On the client's side it returns nil.
func (s *Stream) Request() *Request { return s.request }

// Subprotocol returns the negotiated subprotocol, or "" if there is none.
func (s *Stream) Subprotocol() string { return s.d.set.protocolName(s.protocol) }

// Receive waits for a message. p is valid until the next Receive. In a task there is a second
// limit: p becomes invalid when the task waits. One Send of p is the exception, see socket.Input.
//
// At the end of the connection Receive closes it. Then Receive returns the error that Closed of a
// Conn would get, or io.EOF after an orderly close by this side. If a deadline passes, the
// connection stays open, and the next Receive continues. When the loop of a task drains, Receive
// sends a Close with GoingAway.
func (s *Stream) Receive() (kind Kind, p []byte, err error) {
	if !s.receiving.CompareAndSwap(false, true) {
		panic("websocket: two calls of Receive, or of Close, at the same time: one caller may receive")
	}
	defer s.receiving.Store(false)
	return s.receive()
}

func (s *Stream) receive() (Kind, []byte, error) {
	for s.end == nil {
		s.d.settle()
		if s.in.Buffered() == 0 {
			if _, err := s.in.Peek(1); err != nil {
				if s.transient(err) {
					return 0, nil, err
				}
				break
			}
		}
		p, err := s.in.Peek(min(s.in.Buffered(), inputLimit))
		if err != nil {
			return 0, nil, err
		}
		rest, op, payload, bad := s.d.next(p)
		if _, err := s.in.Discard(len(p) - len(rest)); err != nil {
			return 0, nil, err
		}
		switch {
		case bad != nil:
			s.endWith(bad, bad)
		case op == opClose:
			s.closedByPeer(payload)
		case op == opPing && !s.closeSent.Load():
			_ = s.write(byte(opPong)|bitFin, payload) // if the connection is broken, Receive reports that
		case op == opText, op == opBinary:
			return Kind(op), payload, nil
		}
	}
	return 0, nil, s.end
}

// transient handles an error of the stream. It reports whether the connection can continue.
func (s *Stream) transient(err error) bool {
	var late net.Error
	switch {
	case errors.As(err, &late) && late.Timeout():
		if s.closeSent.Load() {
			s.endWith(ErrCloseTimeout, nil)
			return false
		}
		return true
	case errors.Is(err, kernel.ECANCELED):
		s.endWith(err, violation(GoingAway, "the loop drains"))
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		s.endWith(violation(Abnormal, "the stream has ended without a Close"), nil)
	default:
		s.endWith(err, nil)
	}
	return false
}

func (s *Stream) closedByPeer(p []byte) {
	why, bad := parseClose(p)
	switch {
	case bad != nil:
		s.endWith(bad, bad)
	case s.closeSent.Load():
		s.endWith(io.EOF, nil)
	default:
		s.endWith(why, &CloseError{Code: why.Code})
	}
}

// endWith closes the connection. If why is not nil, it first sends a Close frame. Receive then
// returns err.
func (s *Stream) endWith(err error, why *CloseError) {
	s.end = err
	if why != nil {
		_ = s.sendClose(why.Code, why.Reason)
	}
	_ = s.nc.Close()
}

// Send sends a message. It returns errors of the net.Conn, or ErrClosed. Send does not check that a
// text is UTF-8.
func (s *Stream) Send(kind Kind, p []byte) error {
	switch {
	case kind != Text && kind != Binary:
		return fmt.Errorf("websocket: a message of kind %d: must be Text or Binary", kind)
	case s.closeSent.Load():
		return ErrClosed
	case s.d.worth(len(p)):
		return s.d.compress(kind, p, s.write)
	}
	return s.write(byte(kind)|bitFin, p)
}

// Ping sends a ping with at most 125 bytes. Receive discards the answer.
func (s *Stream) Ping(p []byte) error {
	switch {
	case len(p) > maxControl:
		return fmt.Errorf("websocket: Ping of %d bytes: must be at most %d", len(p), maxControl)
	case s.closeSent.Load():
		return ErrClosed
	}
	return s.write(byte(opPing)|bitFin, p)
}

// write sends a frame with one Write, so frames of several senders do not mix.
func (s *Stream) write(b0 byte, p []byte) error {
	b := buffers.Get().(*buffer)
	b.b = s.d.set.appendFrame(b.b[:0], b0, p)
	_, err := s.nc.Write(b.b)
	if cap(b.b) <= keepsAtMost {
		buffers.Put(b)
	}
	return err
}

func (s *Stream) sendClose(code Code, reason string) error {
	if s.closeSent.Swap(true) {
		return nil
	}
	var p []byte
	if code != NoStatus {
		p = append([]byte{byte(code >> 8), byte(code)}, reason...)
	}
	return s.write(byte(opClose)|bitFin, p)
}

// Close sends a Close frame, waits for the peer's Close frame for at most the time of
// WithCloseTimeout, and closes the net.Conn. It discards messages that arrive meanwhile. If another
// caller is in Receive, that Receive waits for the peer's Close frame, and Close returns at once. A
// second call returns nil.
func (s *Stream) Close(code Code, reason string) error {
	if err := checkClose(code, reason); err != nil {
		return err
	}
	if s.closeSent.Load() {
		return nil
	}
	set := s.d.set
	_ = s.nc.SetDeadline(set.now().Add(set.close)) // if this fails, the write reports it
	if err := s.sendClose(code, reason); err != nil {
		_ = s.nc.Close()
		return err
	}
	if !s.receiving.CompareAndSwap(false, true) {
		return nil
	}
	defer s.receiving.Store(false)
	for {
		if _, _, err := s.receive(); s.end != nil {
			if s.end == io.EOF {
				return nil
			}
			return err
		}
	}
}
