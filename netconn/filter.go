package netconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/reactor"
)

// HandshakeTimeout is how long a peer has for the handshake; see WithHandshakeTimeout.
const HandshakeTimeout = 10 * time.Second

// ErrHandshakeTimeout is what Closed is told when a handshake took too long. It is os.ErrDeadlineExceeded.
var ErrHandshakeTimeout error = &handshakeTimeout{}

type handshakeTimeout struct{}

func (*handshakeTimeout) Error() string   { return "tls: the handshake took too long" }
func (*handshakeTimeout) Timeout() bool   { return true }
func (*handshakeTimeout) Temporary() bool { return false }
func (*handshakeTimeout) Unwrap() error   { return errDeadline }

// WithTLS is an option of a reactor's Listen and Dial: what is on the wire is TLS, what the Handler sees and sends is not.
// A client's config must name the server or skip its verification.
//
// Opened comes when the handshake is over; what was sent before gathers until then. A peer that has not finished it
// after HandshakeTimeout, or fails it, is closed; the error that Closed is told is crypto/tls's. CloseWrite and Close say
// close_notify before the FIN; the peer's close_notify is EOF. Buffered and the limits count bytes on the wire. The
// handshake and the records run on the loop, which the config's callbacks must not block; what they cost beside that is
// the cryptography: use a Group where it is too much for one loop.
func WithTLS(cfg *tls.Config) reactor.SocketOption {
	return WithHandshakeTimeout(cfg, HandshakeTimeout)
}

// WithHandshakeTimeout is WithTLS that gives the handshake d, 1 ms … 1 h.
func WithHandshakeTimeout(cfg *tls.Config, d time.Duration) reactor.SocketOption {
	if d < time.Millisecond || d > time.Hour {
		return refuse(fmt.Errorf("netconn: WithHandshakeTimeout(%v): must be 1ms … 1h", d))
	}
	if cfg == nil {
		return refuse(errors.New("netconn: WithTLS(nil)"))
	}
	return reactor.WithFilters(func(server bool) (func(*reactor.Wire) reactor.Filter, error) {
		if err := secure.Check(cfg, server); err != nil {
			return nil, fmt.Errorf("netconn: WithTLS: %w", err)
		}
		return func(w *reactor.Wire) reactor.Filter {
			f := &filter{w: w, limit: d, server: server}
			f.s = secure.New(f, cfg, server)
			return f
		}, nil
	})
}

func refuse(err error) reactor.SocketOption {
	return reactor.WithFilters(func(bool) (func(*reactor.Wire) reactor.Filter, error) { return nil, err })
}

// TLSState is what the handshake of a Conn with WithTLS has agreed on; false for one without, or before.
func TLSState(c *reactor.Conn) (tls.ConnectionState, bool) {
	f, ok := c.Filter().(*filter)
	if !ok || !f.s.Ready() {
		return tls.ConnectionState{}, false
	}
	return f.s.State(), true
}

// A filter is TLS on a reactor's Conn. It belongs to the loop. An idle one has no coroutine and no goroutine: only
// the handshake has.
type filter struct {
	w      *reactor.Wire
	s      *secure.Session
	in     []byte // what Session has not taken yet: the loop's, or kept
	kept   []byte // the memory that in is kept in
	eof    bool   // after in
	server bool
	limit  time.Duration
	timer  *reactor.Timer
}

func (f *filter) Open() {
	f.timer = f.w.Conn().Reactor().After(f.limit, func() { f.fail(ErrHandshakeTimeout) })
	if !f.server { // a client speaks first
		f.run()
	}
}

func (f *filter) Input(p []byte) {
	f.in = p
	f.run()
	f.keep()
}

func (f *filter) EOF() {
	f.eof = true
	f.run()
}

func (f *filter) More() bool {
	f.run()
	f.keep()
	return len(f.in) > 0 || !f.w.Open()
}

// keep holds what is left of the loop's buffer.
func (f *filter) keep() {
	if len(f.in) == 0 {
		f.in, f.kept = nil, nil
		return
	}
	f.kept = append(f.kept[:0], f.in...)
	f.in = f.kept
}

// run goes as far as the input lets it.
func (f *filter) run() {
	if !f.s.Ready() && !f.shake() {
		return
	}
	room := f.w.Room()
	for f.w.Open() {
		n, err := f.s.Read(room)
		switch {
		case n > 0: // an error with it comes again
			f.w.Deliver(room[:n])
			if len(f.in) == 0 && !f.eof && f.s.Emptied(n, len(room)) {
				return // a Read would find nothing, and allocate for it
			}
		case err == nil:
		case err == secure.ErrAgain:
			return
		case err == io.EOF:
			f.in = nil // there is no more to say
			f.w.EOF()
			return
		default:
			f.fail(err)
			return
		}
	}
	f.w.Keep()
}

// shake goes on with the handshake and tells whether it is over.
func (f *filter) shake() bool {
	err := f.s.Handshake()
	switch {
	case err == secure.ErrAgain:
		return false
	case err != nil:
		f.fail(err)
		return false
	}
	f.timer.Stop()
	f.w.Ready()
	return true
}

func (f *filter) fail(err error) {
	f.in = nil
	f.w.Fail(err)
	f.s.Stop()
}

func (f *filter) Output(p []byte) error {
	_, err := f.s.Write(p)
	return err
}

func (f *filter) Finish() { _ = f.s.CloseWrite() } // the wire takes all; what breaks it is told by Closed

func (f *filter) Closed() {
	if f.timer != nil {
		f.timer.Stop()
	}
	f.s.Stop()
	f.in, f.kept = nil, nil
}

// Read is the wire for the Session: what has been read, then nothing yet, or the end.
func (f *filter) Read(p []byte) (int, error) {
	n := copy(p, f.in)
	f.in = f.in[n:]
	switch {
	case n > 0:
		return n, nil
	case f.eof:
		return 0, io.EOF
	}
	return 0, secure.ErrAgain
}

func (f *filter) Write(p []byte) (int, error) {
	f.w.Send(p)
	return len(p), nil
}

func (f *filter) LocalAddr() net.Addr  { return f.w.Conn().LocalAddr() }
func (f *filter) RemoteAddr() net.Addr { return f.w.Conn().RemoteAddr() }
