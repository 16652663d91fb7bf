package netconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/reactor"
)

// HandshakeTimeout is how long a handshake may take with WithTLS. See WithHandshakeTimeout.
const HandshakeTimeout = 10 * time.Second

// ErrHandshakeTimeout is the error that Closed gets if a handshake takes too long. It wraps
// os.ErrDeadlineExceeded.
var ErrHandshakeTimeout error = &handshakeTimeout{}

type handshakeTimeout struct{}

func (*handshakeTimeout) Error() string   { return "tls: the handshake took too long" }
func (*handshakeTimeout) Timeout() bool   { return true }
func (*handshakeTimeout) Temporary() bool { return false }
func (*handshakeTimeout) Unwrap() error   { return os.ErrDeadlineExceeded }

// WithTLS is an option of a reactor's Listen and Dial. The Conn uses TLS on the network, and the
// Handler sends and receives plaintext. A client's config must have ServerName or
// InsecureSkipVerify.
//
// Opened is called when the handshake has succeeded. Data that the Handler has sent earlier waits
// until then. The Conn is closed if the handshake fails or takes longer than HandshakeTimeout.
// Closed then gets the error of crypto/tls, or ErrHandshakeTimeout.
//
// CloseWrite and Close send close_notify before the FIN. The peer's close_notify is EOF. A FIN
// without close_notify is not an EOF, because anybody on the network path can send a FIN. After
// such a FIN the Conn is closed, and Closed gets io.ErrUnexpectedEOF. Buffered and the limits of
// WithLimits count encrypted bytes.
//
// The config's callbacks run on the loop, so they must not block. Their context ends with the
// handshake or at HandshakeTimeout. The callbacks get a connection that cannot read or write. This
// connection has the addresses, and a Close that any goroutine may call. Its method Conn returns
// the *reactor.Conn, for use on the loop.
//
// The cost of TLS is its cryptography. If that is too much for one loop, use a Group.
func WithTLS(cfg *tls.Config) reactor.SocketOption {
	return WithHandshakeTimeout(cfg, HandshakeTimeout)
}

// WithHandshakeTimeout is WithTLS with another timeout for the handshake. d must be 1 ms … 1 h.
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
		return func(w *reactor.Wire) reactor.Filter { return newFilter(w, cfg, server, d) }, nil
	})
}

func newFilter(w *reactor.Wire, cfg *tls.Config, server bool, limit time.Duration) *filter {
	f := &filter{w: w, limit: limit, server: server, ctx: hasContext(cfg)}
	f.s = secure.New(f, cfg, server)
	return f
}

// StartTLSServer begins TLS on an open Conn, as the server, after an unencrypted exchange such as
// STARTTLS. From then on the Conn works like one with WithTLS. Output from before is sent
// unencrypted. read contains the bytes that follow the command in the argument of Data. Do not drop
// these bytes, and do not execute them as commands, because an attacker on the path may have added
// them. TLS refuses them if they are not a part of the handshake. The errors are those of
// Conn.StartFilter, and an error that says what cfg lacks.
func StartTLSServer(c *reactor.Conn, cfg *tls.Config, read []byte) error {
	return startTLS(c, cfg, read, true)
}

// StartTLSClient begins TLS as the client: see StartTLSServer. cfg must have ServerName or
// InsecureSkipVerify.
func StartTLSClient(c *reactor.Conn, cfg *tls.Config, read []byte) error {
	return startTLS(c, cfg, read, false)
}

func startTLS(c *reactor.Conn, cfg *tls.Config, read []byte, server bool) error {
	if c == nil || cfg == nil {
		panic("netconn: StartTLS with a nil Conn or Config")
	}
	if err := secure.Check(cfg, server); err != nil {
		return fmt.Errorf("netconn: StartTLS: %w", err)
	}
	return c.StartFilter(read, func(w *reactor.Wire) reactor.Filter { return newFilter(w, cfg, server, HandshakeTimeout) })
}

// hasContext reports whether cfg has a callback that gets the handshake's context.
func hasContext(cfg *tls.Config) bool {
	return cfg.GetCertificate != nil || cfg.GetClientCertificate != nil || cfg.GetConfigForClient != nil ||
		cfg.GetEncryptedClientHelloKeys != nil
}

func refuse(err error) reactor.SocketOption {
	return reactor.WithFilters(func(bool) (func(*reactor.Wire) reactor.Filter, error) { return nil, err })
}

// TLSState returns the result of the handshake of a Conn with WithTLS. It returns false before the
// handshake has succeeded, and for a Conn without WithTLS.
func TLSState(c *reactor.Conn) (tls.ConnectionState, bool) {
	f, ok := c.Filter().(*filter)
	if !ok || !f.s.Ready() {
		return tls.ConnectionState{}, false
	}
	return f.s.State(), true
}
