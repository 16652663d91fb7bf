package secure

import (
	"crypto/tls"
	"io"
	"net"
	"time"
)

// An cryptoConn is the connection as crypto/tls sees it. It writes straight to the wire, so no user
// may get hold of it: crypto/tls shows its connection in ClientHelloInfo.Conn (see shown) and in
// RecordHeaderError.Conn (see Outside).
type cryptoConn Session

func (c *cryptoConn) Read(p []byte) (int, error) {
	for {
		if c.stopped {
			return 0, ErrStopped
		}
		n, err := c.wire.Read(p)
		whole := c.records.add(p[:n])
		c.recordsRead += whole
		c.recordsDone += whole
		if err != ErrAgain || c.strand == nil {
			c.wireEOF = c.wireEOF || err == io.EOF
			return n, err
		}
		c.strand.suspend()
	}
}

func (c *cryptoConn) Write(p []byte) (int, error) { return c.wire.Write(p) }
func (c *cryptoConn) LocalAddr() net.Addr         { return c.wire.LocalAddr() }
func (c *cryptoConn) RemoteAddr() net.Addr        { return c.wire.RemoteAddr() }

// The owner of the wire closes it, also when a handshake's context ends. No call waits, so
// deadlines have no meaning.
func (c *cryptoConn) Close() error                     { return nil }
func (c *cryptoConn) SetDeadline(time.Time) error      { return nil }
func (c *cryptoConn) SetReadDeadline(time.Time) error  { return nil }
func (c *cryptoConn) SetWriteDeadline(time.Time) error { return nil }

// outer is a Wire that knows the connection that its user has. Outer must not be kept: a suspended
// handshake must not keep an abandoned connection from the garbage collector.
type outer interface{ Outer() net.Conn }

// PublicError is err as users may see it: a tls.RecordHeaderError shows the outer connection.
func (s *Session) PublicError(err error) error {
	re, ok := err.(tls.RecordHeaderError)
	if !ok || re.Conn == nil {
		return err
	}
	re.Conn = nil
	if o, ok := s.wire.(outer); ok {
		re.Conn = o.Outer()
	}
	return re
}

// withOuterConn is cfg with callbacks that get the outer connection in their ClientHelloInfo.
func withOuterConn(cfg *tls.Config, o outer) *tls.Config {
	if cfg.GetCertificate == nil && cfg.GetConfigForClient == nil && cfg.GetEncryptedClientHelloKeys == nil {
		return cfg
	}
	_, _ = cfg.DecryptTicket(nil, tls.ConnectionState{}) // makes the keys for session tickets, which all clones share then
	c := cfg.Clone()
	if f := cfg.GetCertificate; f != nil {
		c.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			h.Conn = o.Outer()
			return f(h)
		}
	}
	if f := cfg.GetEncryptedClientHelloKeys; f != nil {
		c.GetEncryptedClientHelloKeys = func(h *tls.ClientHelloInfo) ([]tls.EncryptedClientHelloKey, error) {
			h.Conn = o.Outer()
			return f(h)
		}
	}
	if f := cfg.GetConfigForClient; f != nil {
		c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			h.Conn = o.Outer()
			other, err := f(h)
			if other == nil || err != nil {
				return nil, err
			}
			return withOuterConn(other, o), nil
		}
	}
	return c
}

// user is a Wire that is told when the user's code runs, which may close the connection.
type user interface{ User(f func()) }

// A sessionCache is the user's. A Read puts tickets there, which come at any time after the
// handshake.
type sessionCache struct {
	tls.ClientSessionCache
	w user
}

func (c sessionCache) Put(key string, s *tls.ClientSessionState) {
	c.w.User(func() { c.ClientSessionCache.Put(key, s) })
}
