package websocket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"

	"github.com/ureactor/ureactor/socket"
)

// A Stream is a WebSocket connection for code in blocking style, on any net.Conn: one of netconn in
// a task or a goroutine, a TLS connection, or one of package net.
//
// One caller at a time may use Receive. Any number may send at the same time. The same holds in
// tasks. Receive answers pings. The deadlines of NetConn hold for Receive and Send.
type Stream struct {
	nc        net.Conn
	in        *socket.Input
	d         decoder
	protocol  uint8
	request   *Request
	closeSent atomic.Bool
	receiving atomic.Bool
	end       error // what Receive returns from now on; its caller's
}

// inputLimit is how much of the input is decoded at once, in bytes.
const inputLimit = 1 << 20

// NetConn returns the connection below, for its deadlines and addresses.
func (s *Stream) NetConn() net.Conn { return s.nc }

// Request returns the client's handshake, nil on the client's side.
func (s *Stream) Request() *Request { return s.request }

// Subprotocol returns the subprotocol of the handshake, "" if there is none.
func (s *Stream) Subprotocol() string { return s.d.set.protocolName(s.protocol) }

// Receive waits for a message. p is valid until the next Receive; in a task also only until the
// task waits, except in one Send: see socket.Input.
//
// When the connection ends, Receive has closed it. It returns the error that a Conn's Closed gets,
// or io.EOF after an orderly close of this side. A deadline that passes ends nothing, and the next
// Receive continues. At the drain of a task's loop, Receive sends a Close with GoingAway.
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
			_ = s.write(byte(opPong)|bitFin, payload) // Receive reports a broken connection
		case op == opText, op == opBinary:
			return Kind(op), payload, nil
		}
	}
	return 0, nil, s.end
}

// transient handles an error of the stream. It reports whether the connection continues.
func (s *Stream) transient(err error) bool {
	var late net.Error
	switch {
	case errors.As(err, &late) && late.Timeout():
		if s.closeSent.Load() {
			s.endWith(ErrCloseTimeout, nil)
			return false
		}
		return true
	case errors.Is(err, syscall.ECANCELED):
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

// endWith closes the connection, after a Close frame unless why is nil. Receive returns err.
func (s *Stream) endWith(err error, why *CloseError) {
	s.end = err
	if why != nil {
		_ = s.sendClose(why.Code, why.Reason)
	}
	_ = s.nc.Close()
}

// Send sends a message. Its errors are those of the net.Conn, and ErrClosed. Send does not check
// that a text is UTF-8.
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

// Ping sends a ping of at most 125 bytes. Receive discards the answer.
func (s *Stream) Ping(p []byte) error {
	switch {
	case len(p) > maxControl:
		return fmt.Errorf("websocket: Ping of %d bytes: must be at most %d", len(p), maxControl)
	case s.closeSent.Load():
		return ErrClosed
	}
	return s.write(byte(opPing)|bitFin, p)
}

// write sends a frame by one Write, so that frames of several senders do not mix.
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

// Close sends a Close frame, waits for the peer's for the time of WithCloseTimeout, and closes the
// net.Conn. Messages that arrive meanwhile are discarded. If another caller is in Receive, that
// call of Receive waits for the peer's Close, and Close returns at once. A second call returns nil.
func (s *Stream) Close(code Code, reason string) error {
	if err := checkClose(code, reason); err != nil {
		return err
	}
	if s.closeSent.Load() {
		return nil
	}
	set := s.d.set
	_ = s.nc.SetDeadline(set.now().Add(set.close)) // else the write reports it
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
