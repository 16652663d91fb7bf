package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Wire is what a Session speaks over. Read is ErrAgain when nothing is there, io.EOF at the end;
// Write takes all of p.
type Wire interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// ErrAgain means that more input is needed. A Read of crypto/tls forgets a temporary error of its
// connection. A handshake forgets no error, which is why it runs on a strand that is suspended
// instead.
var ErrAgain error = again{}

type again struct{}

func errnoOf(err error) (e kernel.Errno, ok bool) {
	ok = errors.As(err, &e)
	return e, ok
}

func (again) Error() string   { return "secure: would wait" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// ErrStopped ends a handshake that was given up, errPanicked one in which a callback of the
// config's has panicked.
var (
	ErrStopped  = errors.New("secure: the handshake was given up")
	errPanicked = errors.New("tls: a callback of the config has panicked in the handshake")
)

// A Session is one TLS connection. Handshake, Stop and Read belong to one caller at a time, Write
// and CloseWrite to one.
type Session struct {
	tls           *tls.Conn
	wire          Wire
	ctx           context.Context // of the handshake; nil is Background
	strand        *strand         // the handshake, while it lasts
	running       bool            // in the strand
	stopped       bool
	handshakeDone bool
	handshakeErr  error // the handshake's
	records       framing
	recordsRead   int  // how many records the present Read has seen completed on the wire
	peeked        bool // first has been taken out
	first         byte
	readErr       error // what has ended reading

	wireEOF     bool // the wire has said io.EOF
	recordsDone int  // how many records have been completed on the wire since Work was called
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

// New makes a Session; the configuration has passed Check. If w has a method Outer, the
// configuration's callbacks get what it returns as the connection. If w has a method User, it calls
// the user's code that crypto/tls calls after the handshake.
func New(w Wire, cfg *tls.Config, server bool) *Session {
	s := &Session{wire: w}
	if server {
		if o, ok := w.(outer); ok {
			cfg = withOuterConn(cfg, o)
		}
		s.tls = tls.Server((*cryptoConn)(s), cfg)
	} else {
		if u, ok := w.(user); ok && cfg.ClientSessionCache != nil {
			cfg = cfg.Clone()
			cfg.ClientSessionCache = sessionCache{cfg.ClientSessionCache, u}
		}
		s.tls = tls.Client((*cryptoConn)(s), cfg)
	}
	return s
}

// Ready tells whether the handshake has succeeded.
func (s *Session) Ready() bool { return s.handshakeDone && s.handshakeErr == nil }

// Read is ErrAgain when no whole record is there; after the handshake.
func (s *Session) Read(p []byte) (int, error) {
	s.recordsRead = 0
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

// read is crypto/tls's, but what has ended it does so for good: crypto/tls does not keep each of
// its errors.
func (s *Session) read(p []byte) (n int, err error) {
	if s.readErr != nil {
		return 0, s.readErr
	}
	n, err = s.tls.Read(p)
	if err != nil && err != ErrAgain {
		s.readErr = err
	}
	return n, err
}

// Drained tells whether a Read of n bytes into room for more has left nothing: no record, no end.
// crypto/tls reads the wire only when it has no whole record, so what has become whole since is
// what it had, and one it has read.
func (s *Session) Drained(n, room int) bool {
	return s.recordsRead == 1 && 0 < n && n < room && s.readErr == nil
}

// Truncated reports whether reading has ended without the peer's close_notify: by the end of the
// wire, which anybody on the way can make.
func (s *Session) Truncated() bool { return s.readErr == io.EOF && s.wireEOF }

// RecordsDone is how many records have come since it was last called. A record costs a cipher, and
// a KeyUpdate new keys and an answer, however few bytes it has.
func (s *Session) RecordsDone() int {
	n := s.recordsDone
	s.recordsDone = 0
	return n
}

// PrefixOf is how many bytes of p, which the wire is about to give, complete most records, and how
// many they complete.
func (s *Session) PrefixOf(p []byte, most int) (n, whole int) {
	f := s.records
	return f.upto(p, most)
}

// Peek tells what a Read would: 1 byte at least, or its error. crypto/tls does not tell what it
// has, so one byte is taken out and kept for the next Read.
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
