package netconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
)

// A TLSConn is TLS on a Conn, for blocking-style code: in tasks, where tls.Conn must not be used because it waits with its
// locks held, and in goroutines, where it is one's choice. Unlike with a tls.Conn, a Write that its deadline ended leaves
// the connection as good as it was: what of the last record had not left goes with the next call.
//
// net/http wants tls.Conns: give it a Listener of Listen, with ServeTLS. (examples/nethttp has it speak HTTP/2 on TLSConns.)
type TLSConn struct {
	c *Conn
	s *secure.Conn
}

// Server is TLS on a connection of this package, as tls.Server: the first Read or Write makes the handshake,
// which the deadline of either direction ends. Another kind of connection, or a config that cannot be, is misuse and panics.
func Server(c net.Conn, cfg *tls.Config) *TLSConn { return newTLS(c, cfg, true) }

// Client is the other side.
func Client(c net.Conn, cfg *tls.Config) *TLSConn { return newTLS(c, cfg, false) }

func newTLS(nc net.Conn, cfg *tls.Config, server bool) *TLSConn {
	c, ok := nc.(*Conn)
	if !ok {
		panic(fmt.Sprintf("netconn: TLS on a %T: must be a *netconn.Conn; for others use crypto/tls", nc))
	}
	if err := secure.Check(cfg, server); err != nil {
		panic("netconn: TLS: " + err.Error())
	}
	d := c.s.Desc()
	return &TLSConn{c: c, s: secure.NewConn(d, d.K, c.local, c.remote, cfg, server)}
}

// NewTLSListener gives TLSConns for the connections that l, of this package, accepts, as tls.NewListener does.
func NewTLSListener(l net.Listener, cfg *tls.Config) net.Listener {
	if err := secure.Check(cfg, true); err != nil {
		panic("netconn: TLS: " + err.Error())
	}
	return &tlsListener{l, cfg}
}

type tlsListener struct {
	net.Listener
	cfg *tls.Config
}

func (l *tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Server(c, l.cfg), nil
}

// Handshake makes the handshake if it is not made yet.
func (c *TLSConn) Handshake() error {
	call := forever()
	err := c.s.Handshake(&call)
	return c.failed("read", err)
}

// HandshakeContext is Handshake that ctx ends; then the connection is closed. In a task, ctx must end on its own, by the
// deadline of the connection.
func (c *TLSConn) HandshakeContext(ctx context.Context) error {
	if _, done := c.s.State(); done {
		return nil
	}
	stop := context.AfterFunc(ctx, func() {
		d := c.c.s.Desc()
		if d.W.Shared() {
			c.c.Close()
			return
		}
		d.W.Post(func() { c.c.Close() })
	})
	defer stop() // the task may be unwound
	err := c.Handshake()
	if !stop() { // also if the handshake was faster: the connection is closed
		return ctx.Err()
	}
	return err
}

// Read waits for data; io.EOF is the peer's close_notify, or its end where no record is cut off.
func (c *TLSConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	call := forever()
	n, err := c.s.Read(&call, p)
	return n, c.failed("read", err)
}

// Write sends all of p; n is less only with an error.
func (c *TLSConn) Write(p []byte) (int, error) {
	call := forever()
	n, err := c.s.Write(&call, p)
	return n, c.failed("write", err)
}

// CloseWrite says close_notify and sends a FIN; reading goes on.
func (c *TLSConn) CloseWrite() error {
	call := forever()
	return c.failed("close", c.s.CloseWrite(&call))
}

// Close says close_notify, if it can without waiting, and closes the connection.
func (c *TLSConn) Close() error {
	c.s.Bye()
	return c.c.Close()
}

// ConnectionState is what the handshake has agreed on, zero before that.
func (c *TLSConn) ConnectionState() tls.ConnectionState {
	s, _ := c.s.State()
	return s
}

// NetConn is the connection below; what is done on it directly breaks the TLS.
func (c *TLSConn) NetConn() net.Conn { return c.c }

func (c *TLSConn) LocalAddr() net.Addr                { return c.c.LocalAddr() }
func (c *TLSConn) RemoteAddr() net.Addr               { return c.c.RemoteAddr() }
func (c *TLSConn) SetDeadline(t time.Time) error      { return c.c.SetDeadline(t) }
func (c *TLSConn) SetReadDeadline(t time.Time) error  { return c.c.SetReadDeadline(t) }
func (c *TLSConn) SetWriteDeadline(t time.Time) error { return c.c.SetWriteDeadline(t) }

// failed tells of Errnos as a Conn does, of crypto/tls's errors as they are.
func (c *TLSConn) failed(op string, err error) error {
	runtime.KeepAlive(c)
	e, ok := err.(kernel.Errno)
	if !ok {
		return err
	}
	return c.c.fail(op, e)
}
