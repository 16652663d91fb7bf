// Package secure runs crypto/tls without ever waiting inside it, so that no lock of its is held across a wait and nothing
// that is not there yet looks like an error to it. What has to wait, waits outside, by the law of package desc or by
// the events of a reactor.Conn.
package secure

import (
	"crypto/tls"
	"errors"
	"iter"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Wire is what a Session speaks over. Read is ErrAgain when nothing is there, io.EOF at the end; Write takes all of p.
type Wire interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// ErrAgain is what waits for input. crypto/tls forgets a temporary error of a Read; of anything else it does not, which
// is why a handshake runs in a coroutine that is suspended instead.
var ErrAgain error = again{}

type again struct{}

func errnoOf(err error) (e kernel.Errno, ok bool) {
	ok = errors.As(err, &e)
	return e, ok
}

func (again) Error() string   { return "secure: would wait" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// ErrStopped ends a handshake that was given up, errPanicked one in which a callback of the config's has panicked.
var (
	ErrStopped  = errors.New("secure: the handshake was given up")
	errPanicked = errors.New("tls: a callback of the config has panicked in the handshake")
)

// A Session is one TLS connection. Handshake and Read belong to one caller at a time, Write and CloseWrite to one.
//
// The coroutine of the handshake is made at the first Handshake; until it has ended all calls must come from threads in
// the same lock state (runtime.LockOSThread), which is the runtime's rule.
type Session struct {
	tls     *tls.Conn
	wire    Wire
	next    func() (struct{}, bool)
	yield   func(struct{}) bool
	running bool // in the coroutine
	stopped bool
	done    bool
	err     error // the handshake's
	records framing
	whole   int  // how many records the present Read has seen completed on the wire
	peeked  bool // first has been taken out
	first   byte
	ended   error // what has ended reading
}

// ErrRenegotiation refuses a configuration.
var ErrRenegotiation = errors.New("tls.Config.Renegotiation must be RenegotiateNever: a second handshake inside a Read would have to wait there")

// Check tells what of a configuration cannot be.
func Check(cfg *tls.Config, server bool) error {
	switch {
	case cfg == nil:
		return errors.New("the tls.Config must not be nil")
	case !server && cfg.Renegotiation != tls.RenegotiateNever:
		return ErrRenegotiation
	case server && len(cfg.Certificates) == 0 && cfg.GetCertificate == nil && cfg.GetConfigForClient == nil:
		return errors.New("a server's tls.Config must have Certificates, GetCertificate or GetConfigForClient")
	case !server && cfg.ServerName == "" && !cfg.InsecureSkipVerify:
		return errors.New("a client's tls.Config must have ServerName or InsecureSkipVerify")
	}
	return nil
}

// New makes a Session; the configuration has passed Check.
func New(w Wire, cfg *tls.Config, server bool) *Session {
	s := &Session{wire: w}
	if server {
		s.tls = tls.Server((*inner)(s), cfg)
	} else {
		s.tls = tls.Client((*inner)(s), cfg)
	}
	return s
}

// Handshake goes as far as the input on the wire lets it: nil when it is over, ErrAgain when it needs more, else why it
// has failed, for good.
func (s *Session) Handshake() error {
	if s.done {
		return s.err
	}
	if s.stopped {
		return ErrStopped
	}
	if s.next == nil {
		s.next, _ = iter.Pull(s.shake)
	}
	s.running = true
	_, more := s.next()
	s.running = false
	if more {
		if s.stopped { // by what it wrote
			s.Stop()
			return ErrStopped
		}
		return ErrAgain
	}
	s.done, s.next, s.yield = true, nil, nil
	return s.err
}

// shake is the coroutine.
func (s *Session) shake(yield func(struct{}) bool) {
	s.yield = yield
	s.err = errPanicked
	s.err = s.tls.Handshake()
}

// Stop ends a handshake that is not over: its coroutine goes.
func (s *Session) Stop() {
	s.stopped = true
	if s.next != nil && !s.running {
		s.running = true
		s.next() // its Read fails
		s.running = false
		s.next, s.yield = nil, nil
	}
}

// Ready tells whether the handshake has succeeded.
func (s *Session) Ready() bool { return s.done && s.err == nil }

// Read is ErrAgain when no whole record is there; after the handshake.
func (s *Session) Read(p []byte) (int, error) {
	s.whole = 0
	if s.peeked {
		if len(p) == 0 {
			return 0, nil
		}
		p[0], s.peeked = s.first, false
		n, _ := s.read(p[1:]) // an error comes again
		return 1 + n, nil
	}
	return s.read(p)
}

// read is crypto/tls's, but what has ended it does so for good: crypto/tls does not keep each of its errors.
func (s *Session) read(p []byte) (n int, err error) {
	if s.ended != nil {
		return 0, s.ended
	}
	n, err = s.tls.Read(p)
	if err != nil && err != ErrAgain {
		s.ended = err
	}
	return n, err
}

// Emptied tells whether a Read of n bytes into room for more has left nothing: no record, no end. crypto/tls reads the wire
// only when it has no whole record, so what has become whole since is what it had, and one it has read.
func (s *Session) Emptied(n, room int) bool {
	return s.whole == 1 && 0 < n && n < room && s.ended == nil
}

// Peek tells what a Read would: 1 byte at least, or its error. crypto/tls does not tell what it has, so one byte is taken
// out and kept for the next Read.
func (s *Session) Peek() (int, error) {
	if s.peeked {
		return 1, nil
	}
	var p [1]byte
	n, err := s.read(p[:])
	if n == 0 {
		return 0, err
	}
	s.first, s.peeked = p[0], true
	return 1, nil
}

// Write hands the records of p to the wire; after the handshake.
func (s *Session) Write(p []byte) (int, error) { return s.tls.Write(p) }

// CloseWrite says that no more comes; after the handshake.
func (s *Session) CloseWrite() error { return s.tls.CloseWrite() }

// State is what the handshake has agreed on.
func (s *Session) State() tls.ConnectionState { return s.tls.ConnectionState() }

// inner is the connection as crypto/tls sees it.
type inner Session

func (c *inner) Read(p []byte) (int, error) {
	for {
		if c.stopped {
			return 0, ErrStopped
		}
		n, err := c.wire.Read(p)
		c.whole += c.records.add(p[:n])
		if err != ErrAgain || c.yield == nil {
			return n, err
		}
		c.yield(struct{}{})
	}
}

func (c *inner) Write(p []byte) (int, error) { return c.wire.Write(p) }
func (c *inner) LocalAddr() net.Addr         { return c.wire.LocalAddr() }
func (c *inner) RemoteAddr() net.Addr        { return c.wire.RemoteAddr() }

// Whoever has the wire closes it, and no call waits.
func (c *inner) Close() error                     { return nil }
func (c *inner) SetDeadline(time.Time) error      { return nil }
func (c *inner) SetReadDeadline(time.Time) error  { return nil }
func (c *inner) SetWriteDeadline(time.Time) error { return nil }
