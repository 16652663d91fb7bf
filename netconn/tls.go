package netconn

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"runtime"
	"time"
	"weak"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
)

// A TLSConn is TLS on a Conn, for blocking-style code: in tasks, where tls.Conn must not be used
// because it waits with its locks held, and in goroutines, where it is one's choice. Unlike with a
// tls.Conn, a Write that its deadline ended leaves the connection as good as it was: what of the
// last record had not left goes with the next call.
//
// net/http wants tls.Conns: give it a Listener of Listen, with ServeTLS. (examples/nethttp has it
// speak HTTP/2 on TLSConns.)
type TLSConn struct {
	c     *Conn
	s     *secure.Conn
	other *tls.Conn // instead of both: see Server
	room  []byte    // what Data receives into there
}

// Server is TLS on a connection, as tls.Server: the first Read or Write makes the handshake, which
// the deadline of either direction ends. The configuration's callbacks and a tls.RecordHeaderError
// show c itself as the connection. They may be called on another goroutine, and must not wait for
// what a task of the same loop does.
//
// A connection that is no *Conn of this package, for example a wrapper that first gives what a
// bufio.Reader holds, is served by crypto/tls. Then crypto/tls's rules count: a Write that timed
// out is the last one, and two tasks of one loop must not use the TLSConn. ServerAfter needs no
// wrapper. A nil connection, or a config that cannot be, is misuse and panics.
func Server(c net.Conn, cfg *tls.Config) *TLSConn { return newTLS(c, nil, cfg, true) }

// Client is the other side.
func Client(c net.Conn, cfg *tls.Config) *TLSConn { return newTLS(c, nil, cfg, false) }

// ServerAfter is Server for a connection from which read has been read already, for example
// together with the line that asked for TLS. read is copied. A nil c, or a config that cannot be,
// is misuse and panics.
func ServerAfter(c *Conn, read []byte, cfg *tls.Config) *TLSConn { return newTLS(c, read, cfg, true) }

// ClientAfter is Client for a connection from which read has been read already: see ServerAfter.
func ClientAfter(c *Conn, read []byte, cfg *tls.Config) *TLSConn { return newTLS(c, read, cfg, false) }

func newTLS(nc net.Conn, read []byte, cfg *tls.Config, server bool) *TLSConn {
	if err := secure.Check(cfg, server); err != nil {
		panic("netconn: TLS: " + err.Error())
	}
	c, ours := nc.(*Conn)
	switch {
	case nc == nil || ours && c == nil:
		panic("netconn: TLS on a nil connection")
	case ours:
		d := c.d
		user := weak.Make(c)
		s := secure.NewConn(d, d.Kernel, c.local, c.remote, func() net.Conn { return user.Value() }, cfg, server)
		s.Unread(bytes.Clone(read))
		return &TLSConn{c: c, s: s}
	case server:
		return &TLSConn{other: tls.Server(nc, cfg)}
	}
	return &TLSConn{other: tls.Client(nc, cfg)}
}

// NewTLSListener gives TLSConns for the connections that l accepts, as tls.NewListener does; see
// Server for those that are not of this package.
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
	if c.other != nil {
		return c.other.Handshake()
	}
	call := forever()
	err := c.s.Handshake(&call)
	return c.failed("read", err)
}

// HandshakeContext is Handshake that also ends, and closes the connection, when ctx does. The
// configuration's callbacks get ctx if this is the call that begins the handshake. In a task, a
// callback that waits for ctx blocks the loop: then only a timer or another goroutine can end it.
func (c *TLSConn) HandshakeContext(ctx context.Context) error {
	if c.other != nil {
		return c.other.HandshakeContext(ctx)
	}
	if _, done := c.s.State(); done {
		return nil
	}
	c.s.SetContext(ctx)
	stop := context.AfterFunc(ctx, func() {
		d := c.c.d
		if d.Waiter.Shared() {
			c.c.Close()
			return
		}
		d.Waiter.Post(func() { c.c.Close() })
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
	if c.other != nil {
		return c.other.Read(p)
	}
	if len(p) == 0 {
		return 0, nil
	}
	call := forever()
	n, err := c.s.Read(&call, p)
	return n, c.failed("read", err)
}

// Data is Read without a buffer, and what it returns is valid as that of Conn.Data is.
func (c *TLSConn) Data() ([]byte, error) {
	if c.other != nil {
		return c.dataOther()
	}
	call := forever()
	p, err := c.s.Data(&call)
	return p, c.failed("read", err)
}

// dataOther has a buffer that is kept, for crypto/tls waits with it.
func (c *TLSConn) dataOther() ([]byte, error) {
	if c.room == nil {
		c.room = make([]byte, maxRecord)
	}
	n, err := c.other.Read(c.room)
	return c.room[:n:n], err
}

const maxRecord = 16 << 10 // how much a record of TLS has at most

// Write sends all of p; n is less only with an error.
func (c *TLSConn) Write(p []byte) (int, error) {
	if c.other != nil {
		return c.other.Write(p)
	}
	call := forever()
	n, err := c.s.Write(&call, p)
	return n, c.failed("write", err)
}

// CloseWrite says close_notify and sends a FIN; reading goes on.
func (c *TLSConn) CloseWrite() error {
	if c.other != nil {
		return closeWrite(c.other)
	}
	call := forever()
	return c.failed("close", c.s.CloseWrite(&call))
}

// Close says close_notify, if it can without waiting, and closes the connection.
func (c *TLSConn) Close() error {
	if c.other != nil {
		return c.other.Close()
	}
	c.s.SendCloseNotify()
	return c.c.Close()
}

// ConnectionState is what the handshake has agreed on, zero before that.
func (c *TLSConn) ConnectionState() tls.ConnectionState {
	if c.other != nil {
		return c.other.ConnectionState()
	}
	s, _ := c.s.State()
	return s
}

// NetConn is the connection below; what is done on it directly breaks the TLS.
func (c *TLSConn) NetConn() net.Conn {
	if c.other != nil {
		return c.other.NetConn()
	}
	return c.c
}

func (c *TLSConn) LocalAddr() net.Addr                { return c.NetConn().LocalAddr() }
func (c *TLSConn) RemoteAddr() net.Addr               { return c.NetConn().RemoteAddr() }
func (c *TLSConn) SetDeadline(t time.Time) error      { return c.NetConn().SetDeadline(t) }
func (c *TLSConn) SetReadDeadline(t time.Time) error  { return c.NetConn().SetReadDeadline(t) }
func (c *TLSConn) SetWriteDeadline(t time.Time) error { return c.NetConn().SetWriteDeadline(t) }

// closeWrite says close_notify, and sends a FIN where the connection below can.
func closeWrite(c *tls.Conn) error {
	err := c.CloseWrite()
	if half, ok := c.NetConn().(interface{ CloseWrite() error }); ok && err == nil {
		return half.CloseWrite()
	}
	return err
}

// failed tells of Errnos as a Conn does, of crypto/tls's errors as they are.
func (c *TLSConn) failed(op string, err error) error {
	runtime.KeepAlive(c)
	e, ok := err.(kernel.Errno)
	if !ok {
		return err
	}
	return c.c.fail(op, e)
}
