package netconn

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// A handlerConn is the connection that the config's callbacks get. A callback may store it, and any
// goroutine may use it, because its Close is posted to the loop.
type handlerConn struct {
	c             *reactor.Conn
	local, remote net.Addr
}

func newHandlerConn(c *reactor.Conn) handlerConn {
	return handlerConn{c, c.LocalAddr(), c.RemoteAddr()}
}

var errHandlers = errors.New("netconn: the connection belongs to a Handler; send and receive with its reactor.Conn")

// Conn returns the reactor's Conn, which belongs to the loop.
func (c handlerConn) Conn() *reactor.Conn { return c.c }

func (c handlerConn) Close() error         { return c.c.Reactor().Post(func() { _ = c.c.Close() }) }
func (c handlerConn) LocalAddr() net.Addr  { return c.local }
func (c handlerConn) RemoteAddr() net.Addr { return c.remote }

func (handlerConn) Read([]byte) (int, error)         { return 0, errHandlers }
func (handlerConn) Write([]byte) (int, error)        { return 0, errHandlers }
func (handlerConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (handlerConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (handlerConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
