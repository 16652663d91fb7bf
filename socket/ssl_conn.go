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

// An sslConn is the Socket below an SSLSocket as a net.Conn, for crypto/tls's errors
// (tls.RecordHeaderError). It has the Socket's Timeout and is closed together with the Socket.
type sslConn struct {
	*Socket
	local, remote net.Addr
}

func (c sslConn) LocalAddr() net.Addr  { return c.local }
func (c sslConn) RemoteAddr() net.Addr { return c.remote }

// There are no deadlines, because a Socket has a Timeout instead.
func (sslConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (sslConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (sslConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
