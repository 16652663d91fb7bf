package netconn

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"runtime"
	"time"
	"unsafe"
	"weak"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
)

// A TLSConn is TLS on a Conn, for code in blocking style. In tasks use it instead of tls.Conn,
// which holds its locks while it waits. In goroutines you may use either.
//
// After a deadline has ended a Write, the next call sends the rest of the last record, and the
// TLSConn can still be used. A tls.Conn cannot be used after that.
//
// net/http needs tls.Conns: use its ServeTLS with a Listener of Listen. examples/nethttp serves
// HTTP/2 on TLSConns.
type TLSConn struct {
	c     net.Conn // a *Conn or a *UnixConn
	b     *base    // the base of c
	s     *secure.Conn
	other *tls.Conn // a connection of another type, then c, b and s are not set: see Server
	room  []byte    // the buffer of Data for other
}

// Server makes the server side of TLS on a connection, as tls.Server does. The first Read or Write
// makes the handshake. The deadline of either direction ends the handshake.
//
// The configuration's callbacks get c as their connection, and a tls.RecordHeaderError has c too.
// The callbacks may run on another goroutine. They must not wait for a task of the same loop.
//
// If c is not a stream of this package, crypto/tls serves it. An example of such a c is a wrapper
// that first returns the rest of a bufio.Reader. Then the rules of crypto/tls apply: after a Write
// that has timed out every Write fails, and two tasks of one loop must not use the TLSConn.
// ServerAfter makes such a wrapper unnecessary.
//
// Server panics if c is nil, or if the configuration cannot be used.
func Server(c net.Conn, cfg *tls.Config) *TLSConn { return newTLS(c, nil, cfg, true) }

// Client makes the client side of TLS on a connection: see Server.
func Client(c net.Conn, cfg *tls.Config) *TLSConn { return newTLS(c, nil, cfg, false) }

// ServerAfter is Server for a connection from which the program has already read the bytes in read.
// For example, they arrived together with the line that requested TLS. ServerAfter copies read.
func ServerAfter(c net.Conn, read []byte, cfg *tls.Config) *TLSConn {
	return newTLS(c, read, cfg, true)
}

// ClientAfter is Client for a connection from which the program has already read some bytes: see
// ServerAfter.
func ClientAfter(c net.Conn, read []byte, cfg *tls.Config) *TLSConn {
	return newTLS(c, read, cfg, false)
}

func newTLS(nc net.Conn, read []byte, cfg *tls.Config, server bool) *TLSConn {
	if err := secure.Check(cfg, server); err != nil {
		panic("netconn: TLS: " + err.Error())
	}
	if nc == nil || nc == net.Conn((*Conn)(nil)) || nc == net.Conn((*UnixConn)(nil)) {
		panic("netconn: TLS on a nil connection")
	}
	b, ours := streamOf(nc)
	switch {
	case ours:
		d := b.d
		s := secure.NewConn(d, d.Kernel, b.local, b.remote, weakly(nc), cfg, server)
		s.Unread(bytes.Clone(read))
		c := &TLSConn{c: nc, b: b, s: s}
		s.SetUser(unsafe.Pointer(c))
		return c
	case len(read) > 0:
		nc = &readAhead{nc, bytes.Clone(read)}
	}
	if server {
		return &TLSConn{other: tls.Server(nc, cfg)}
	}
	return &TLSConn{other: tls.Client(nc, cfg)}
}

// readAhead is a connection from which the bytes of left were already read. Its Read returns these
// bytes first.
type readAhead struct {
	net.Conn
	left []byte
}

func (c *readAhead) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

// weakly returns a function that returns c until the garbage collector has freed c.
func weakly(c net.Conn) func() net.Conn {
	if c, ok := c.(*UnixConn); ok {
		user := weak.Make(c)
		return func() net.Conn { return user.Value() }
	}
	user := weak.Make(c.(*Conn))
	return func() net.Conn { return user.Value() }
}

// NewTLSListener is the counterpart of tls.NewListener: its result wraps each connection that l
// accepts in a TLSConn. If l accepts connections of another package, Server describes how they are
// treated. NewTLSListener panics if the configuration cannot be used.
func NewTLSListener(l net.Listener, cfg *tls.Config) net.Listener {
	if l == nil {
		panic("netconn: NewTLSListener of a nil Listener")
	}
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

// Handshake makes the handshake, unless it was already made.
func (c *TLSConn) Handshake() error {
	if c.other != nil {
		return c.other.Handshake()
	}
	call := forever()
	err := c.s.Handshake(&call)
	return c.failed("read", err)
}

// HandshakeContext is Handshake that also ends when ctx does, and then closes the connection. If
// this call begins the handshake, the configuration's callbacks get ctx. In a task, a callback that
// waits for ctx blocks the loop. Then only a deadline of ctx or another goroutine can end ctx.
func (c *TLSConn) HandshakeContext(ctx context.Context) error {
	mustHave(ctx)
	if c.other != nil {
		return c.other.HandshakeContext(ctx)
	}
	if _, done := c.s.State(); done {
		return nil
	}
	c.s.SetContext(ctx)
	stop := context.AfterFunc(ctx, func() {
		d := c.b.d
		if d.Waiter.Shared() {
			c.c.Close()
			return
		}
		d.Waiter.Post(func() { c.c.Close() })
	})
	defer stop() // deferred, because the task may be unwound
	err := c.Handshake()
	if !stop() { // ctx has ended and the connection is closed, even if the handshake has succeeded
		return ctx.Err()
	}
	return err
}

// Read waits for data. It returns io.EOF at the peer's close_notify, and at a FIN between two
// records.
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

// Data is Read without a buffer of the caller. The result is valid as long as that of Conn.Data.
func (c *TLSConn) Data() ([]byte, error) {
	if c.other != nil {
		return c.dataOther()
	}
	call := forever()
	p, err := c.s.Data(&call)
	return p, c.failed("read", err)
}

// dataOther is Data on a tls.Conn. It holds a buffer even while it waits, because the Read of
// crypto/tls needs one.
func (c *TLSConn) dataOther() ([]byte, error) {
	if c.room == nil {
		c.room = make([]byte, maxRecord)
	}
	n, err := c.other.Read(c.room)
	return c.room[:n:n], err
}

const maxRecord = 16 << 10 // the most data that a record of TLS has, in bytes

// Write sends all of p; n is less only with an error.
func (c *TLSConn) Write(p []byte) (int, error) {
	if c.other != nil {
		return c.other.Write(p)
	}
	call := forever()
	n, err := c.s.Write(&call, p)
	return n, c.failed("write", err)
}

// CloseWrite sends close_notify and a FIN. The TLSConn can still read.
func (c *TLSConn) CloseWrite() error {
	if c.other != nil {
		return closeWrite(c.other)
	}
	call := forever()
	return c.failed("close", c.s.CloseWrite(&call))
}

// Close sends close_notify if this is possible without waiting, and closes the connection.
func (c *TLSConn) Close() error {
	if c.other != nil {
		return c.other.Close()
	}
	c.s.SendCloseNotify()
	return c.c.Close()
}

// ConnectionState returns the result of the handshake, or the zero value before the handshake is
// complete.
func (c *TLSConn) ConnectionState() tls.ConnectionState {
	if c.other != nil {
		return c.other.ConnectionState()
	}
	s, _ := c.s.State()
	return s
}

// NetConn returns the connection below TLS. A program that reads or writes it directly breaks the
// TLS stream.
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

// closeWrite sends close_notify, and a FIN if the connection below has CloseWrite.
func closeWrite(c *tls.Conn) error {
	err := c.CloseWrite()
	if half, ok := c.NetConn().(interface{ CloseWrite() error }); ok && err == nil {
		return half.CloseWrite()
	}
	return err
}

// failed returns an Errno as an error of the Conn, and returns an error of crypto/tls unchanged.
func (c *TLSConn) failed(op string, err error) error {
	runtime.KeepAlive(c)
	e, ok := err.(kernel.Errno)
	if !ok {
		return err
	}
	return c.b.fail(op, e)
}
