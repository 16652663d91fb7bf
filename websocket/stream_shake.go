package websocket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ureactor/ureactor/socket"
)

// Stream reads the handshake of a client from nc, answers it, and returns the connection. If the
// Server has an accept function, this function decides whether to accept, and the Handler that it
// returns is not used. If Stream returns an error, it has closed nc.
func (s *Server) Stream(nc net.Conn) (*Stream, error) {
	if nc == nil {
		panic("websocket: Stream of a nil net.Conn")
	}
	st := newStream(nc, s.set)
	head, err := st.handshake(nil)
	if err != nil {
		if errors.Is(err, errLongHead) {
			_, _ = nc.Write(refuse(&Request{}, 431).answer)
		}
		_ = nc.Close()
		return nil, err
	}
	var v verdict
	if st.request, v = s.set.judge(head, nil); !v.open {
		_, err = nc.Write(v.answer)
		if err == nil {
			err = fmt.Errorf("websocket: handshake: the request was not accepted: %.80q", st.request.Target)
		}
	} else if _, err = nc.Write(v.answer); err == nil {
		err = nc.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	st.protocol = v.protocol
	st.negotiated(v.z)
	return st, nil
}

// NewStream sends a client's handshake on nc. nc must be connected to the host of the URL, and for
// wss it must be a TLS connection. When the server has accepted, NewStream returns the connection.
// If it returns an error, it has closed nc.
func NewStream(nc net.Conn, rawURL string, opts ...Option) (*Stream, error) {
	if nc == nil {
		panic("websocket: NewStream of a nil net.Conn")
	}
	st, err := newClientStream(nc, rawURL, opts)
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	return st, nil
}

func newClientStream(nc net.Conn, rawURL string, opts []Option) (*Stream, error) {
	set, err := newSettings(false, opts)
	if err != nil {
		return nil, err
	}
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	if len(set.dial) > 0 || set.tls != nil {
		return nil, errors.New("websocket: NewStream: WithDial and WithTLS are for Dial: nc is connected already")
	}
	st, ask := newStream(nc, set), set.ask(u)
	head, err := st.handshake(ask.request)
	if err != nil {
		return nil, err
	}
	z, protocol, bad := set.checkAnswer(head, ask.key)
	if bad != nil {
		return nil, bad
	}
	st.protocol = protocol
	st.negotiated(z)
	return st, nc.SetDeadline(time.Time{})
}

func newStream(nc net.Conn, set *settings) *Stream {
	src, ok := nc.(socket.DataReader)
	if !ok {
		src = &reader{Reader: nc}
	}
	return &Stream{nc: nc, in: socket.NewInput(src, inputLimit), d: decoder{set: set}}
}

// negotiated sets the compression. Sends may overlap, so each send has its own compressor without a
// context.
func (s *Stream) negotiated(z *deflate) {
	if z != nil && z.sends {
		z.sends = false
	}
	s.d.z = z
}

// A reader adds the method Data of a netconn.Conn to any net.Conn.
type reader struct {
	io.Reader
	room []byte
}

func (r *reader) Data() ([]byte, error) {
	if r.room == nil {
		r.room = make([]byte, 4<<10)
	}
	for {
		n, err := r.Read(r.room)
		if n > 0 {
			return r.room[:n], nil // the next Read returns the error again
		}
		if err != nil {
			return nil, err
		}
	}
}

// handshake sends the request, if there is one, and reads the peer's head.
func (s *Stream) handshake(request []byte) (string, error) {
	set := s.d.set
	if err := s.nc.SetDeadline(set.now().Add(set.handshake)); err != nil {
		return "", err
	}
	if request != nil {
		if _, err := s.nc.Write(request); err != nil {
			return "", err
		}
	}
	for seen := 0; ; {
		end := s.in.Index(blankLine, max(seen-len(blankLine)+1, 0))
		switch {
		case end >= 0 && end <= set.maxHead-len(blankLine):
			p, err := s.in.Next(end + len(blankLine))
			return string(p), err
		case end >= 0 || s.in.Buffered() >= set.maxHead:
			return "", errLongHead
		}
		seen = s.in.Buffered()
		if _, err := s.in.Peek(seen + 1); err != nil {
			return "", err
		}
	}
}
