package secure

import (
	"crypto/tls"
	"io"
	"net"
	"time"
)

// A cryptoConn is the Session in the role of the net.Conn that crypto/tls uses. It is the same
// memory as the Session under another type, so it costs no allocation. It writes directly to the
// wire, without TLS, so user code must never get it. crypto/tls puts its connection into
// ClientHelloInfo.Conn (see withOuterConn) and into RecordHeaderError.Conn (see PublicError).
type cryptoConn Session

func (c *cryptoConn) Read(p []byte) (int, error) {
	for {
		if c.stopped {
			return 0, ErrStopped
		}
		n, err := c.wire.Read(p)
		completed := c.records.add(p[:n])
		c.recordsRead += int32(completed)
		c.recordsDone += int32(completed)
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

// Close does nothing, because the wire is closed by its owner. crypto/tls calls Close when the
// handshake's context has ended. The deadline methods do nothing, because no call of a cryptoConn
// waits.
func (c *cryptoConn) Close() error                     { return nil }
func (c *cryptoConn) SetDeadline(time.Time) error      { return nil }
func (c *cryptoConn) SetReadDeadline(time.Time) error  { return nil }
func (c *cryptoConn) SetWriteDeadline(time.Time) error { return nil }

// outer is implemented by a Wire that knows the connection that user code has. The result of Outer
// must not be stored. Otherwise a suspended handshake would keep an abandoned connection reachable,
// and the garbage collector would never free it.
type outer interface{ Outer() net.Conn }

// PublicError returns err in the form for users. In a tls.RecordHeaderError it replaces the
// cryptoConn by the outer connection.
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

// withOuterConn returns a copy of cfg whose callbacks get the outer connection in their
// ClientHelloInfo.
func withOuterConn(cfg *tls.Config, o outer) *tls.Config {
	if cfg.GetCertificate == nil && cfg.GetConfigForClient == nil && cfg.GetEncryptedClientHelloKeys == nil {
		return cfg
	}
	// This call makes the keys for session tickets, which all clones then share.
	_, _ = cfg.DecryptTicket(nil, tls.ConnectionState{})
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

// user is implemented by a Wire that must know when user code runs, because that code may close the
// connection.
type user interface{ User(f func()) }

// A sessionCache calls the configuration's ClientSessionCache as user code. Tickets may arrive at
// any time after the handshake, so a Read may call Put.
type sessionCache struct {
	tls.ClientSessionCache
	w user
}

func (c sessionCache) Put(key string, s *tls.ClientSessionState) {
	c.w.User(func() { c.ClientSessionCache.Put(key, s) })
}
