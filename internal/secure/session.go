package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Wire carries the records of a Session. Read returns ErrAgain if no input is there, and io.EOF
// at the end. Write accepts all of p.
type Wire interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// ErrAgain means that more input is needed. Read of crypto/tls can be called again after a
// temporary error of its connection. A handshake of crypto/tls cannot, because crypto/tls stores
// each error of a handshake. So the handshake runs on a strand, which is suspended while input is
// missing.
var ErrAgain error = again{}

type again struct{}

func errnoOf(err error) (e kernel.Errno, ok bool) {
	ok = errors.As(err, &e)
	return e, ok
}

func (again) Error() string   { return "secure: would wait" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// ErrStopped is the error of a handshake that Stop has ended. errPanicked is the error of a
// handshake in which a callback of the tls.Config has panicked.
var (
	ErrStopped  = errors.New("secure: the handshake was given up")
	errPanicked = errors.New("tls: a callback of the config has panicked in the handshake")
)

// A Session is one TLS connection. One caller at a time, the reader, may call Handshake, Stop, Read
// and Peek. One caller at a time may call Write and CloseWrite. Race builds check this table (see
// state_race.go). All fields except tls, wire and ctx belong to the reader. The reader of a Conn
// holds readMu.
//
//	field         | set by                | cleared by           | excludes
//	--------------+-----------------------+----------------------+-------------------------------
//	ciphers       | resume                | never                |
//	strand        | the first Handshake   | the handshake's end  | handshakeDone
//	running       | resume, at its start  | resume, at its end   | strand == nil
//	stopped       | Stop                  | never                | strand != nil, after the call
//	              |                       |                      | in progress has returned
//	handshakeDone | resume                | never                | strand != nil
//	handshakeErr  | shake. It holds       | shake, on success    | neither strand nor
//	              | errPanicked meanwhile |                      | handshakeDone is set
//	records       | cryptoConn.Read       | never: counts        | header > 0 with left > 0
//	recordsRead   | cryptoConn.Read       | the next Read        |
//	recordsDone   | cryptoConn.Read       | RecordsDone          |
//	peeked, first | Peek                  | the next Read        | !Ready()
//	readErr       | the Read that ended   | never                | !Ready()
//	wireEOF       | cryptoConn.Read       | never                |
type Session struct {
	tls           *tls.Conn
	wire          Wire
	ctx           context.Context // for the handshake; nil means Background
	strand        *strand         // runs the handshake
	running       bool            // the strand runs now
	stopped       bool
	handshakeDone bool  // the handshake has ended: it has succeeded, or handshakeErr is set
	handshakeErr  error // why the handshake has failed
	records       framing
	recordsRead   int32 // records that the current Read has completed on the wire
	recordsDone   int32 // records that were completed since the last RecordsDone
	peeked        bool  // Peek has read the byte first, which the next Read returns
	first         byte
	readErr       error         // the error that has ended reading
	wireEOF       bool          // the wire has returned io.EOF
	ciphers       [2]cipherHint // for prefetch: those of input and output
}

// ErrRenegotiation is the error for a configuration that permits renegotiation.
var ErrRenegotiation = errors.New("tls.Config.Renegotiation must be RenegotiateNever: a second handshake inside a Read would have to wait there")

// Check returns an error if a Session cannot use the configuration.
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

// New makes a Session from a configuration that has passed Check. If w has a method Outer, the
// configuration's callbacks get the connection that Outer returns. If w has a method User, user
// code that crypto/tls calls after the handshake runs inside User.
func New(w Wire, cfg *tls.Config, server bool) *Session {
	s := new(Session)
	s.init(w, cfg, server)
	return s
}

func (s *Session) init(w Wire, cfg *tls.Config, server bool) {
	s.wire = w
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
}

// Ready reports whether the handshake has succeeded.
func (s *Session) Ready() bool { return s.handshakeDone && s.handshakeErr == nil }

// Read returns ErrAgain if no whole record has arrived. Call it only after the handshake.
func (s *Session) Read(p []byte) (int, error) {
	s.recordsRead = 0
	if s.peeked {
		if len(p) == 0 {
			return 0, nil
		}
		p[0], s.peeked = s.first, false
		n, _ := s.read(p[1:]) // if there is an error, the next Read returns it again
		return 1 + n, nil
	}
	return s.read(p)
}

// read calls the Read of crypto/tls. After any error except ErrAgain, all later reads fail. read
// stores that error, because crypto/tls does not store all of its errors.
func (s *Session) read(p []byte) (n int, err error) {
	if s.readErr != nil {
		return 0, s.readErr
	}
	n, err = s.tls.Read(p)
	if err != nil && err != ErrAgain {
		s.readErr = err
	}
	s.checkState()
	return n, err
}

// Drained reports whether the last Read, which has put n bytes into room, has left neither a whole
// record nor the end of input. crypto/tls reads the wire only when it holds no whole record. So if
// that Read has completed exactly one record on the wire, Read has decrypted this record.
func (s *Session) Drained(n, room int) bool {
	return s.recordsRead == 1 && 0 < n && n < room && s.readErr == nil
}

// Truncated reports whether reading has ended at the end of the wire without the peer's
// close_notify. Anybody on the network path can cause such an end, so it may be an attack.
func (s *Session) Truncated() bool { return s.readErr == io.EOF && s.wireEOF }

// RecordsDone returns how many records have arrived since its last call. Even a short record costs
// a decryption, and a KeyUpdate costs new keys and an answer.
func (s *Session) RecordsDone() int {
	n := s.recordsDone
	s.recordsDone = 0
	return int(n)
}

// PrefixOf returns the length of the longest prefix of p that completes at most limit records, and
// how many records it completes. p contains the bytes that the wire's Read is going to return.
func (s *Session) PrefixOf(p []byte, limit int) (n, completed int) {
	f := s.records
	return f.advance(p, limit)
}

// Peek returns nil if a Read would return data. Otherwise it returns the error that the Read would
// return. crypto/tls does not report whether it holds data. So Peek reads one byte and stores it
// for the next Read: see doc/tls.md.
func (s *Session) Peek() error {
	if s.peeked {
		return nil
	}
	var p [1]byte
	n, err := s.read(p[:])
	if n == 0 {
		return err
	}
	s.first, s.peeked = p[0], true
	return nil
}

// Write sends p in records. Call it only after the handshake.
func (s *Session) Write(p []byte) (int, error) { return s.tls.Write(p) }

// CloseWrite sends close_notify. Call it only after the handshake.
func (s *Session) CloseWrite() error { return s.tls.CloseWrite() }

// State returns the result of the handshake.
func (s *Session) State() tls.ConnectionState { return s.tls.ConnectionState() }
