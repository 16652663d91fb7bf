package socket

import (
	"net"
	"os"
	"time"
)

type sslAddr Addr

func (sslAddr) Network() string  { return "tcp" }
func (a sslAddr) String() string { return Addr(a).String() }

var _ net.Addr = sslAddr{}

// An sslConn is the Socket of an SSLSocket as a net.Conn, for errors of crypto/tls
// (tls.RecordHeaderError). It has the Socket's Timeout. It is closed together with the Socket.
type sslConn struct {
	*Socket
	local, remote net.Addr
}

func (c sslConn) LocalAddr() net.Addr  { return c.local }
func (c sslConn) RemoteAddr() net.Addr { return c.remote }

// A Socket has a Timeout instead of deadlines.
func (sslConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (sslConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (sslConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
