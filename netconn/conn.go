package netconn

import (
	bits "encoding/binary"
	"io"
	"math"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
)

// A Conn is a TCP connection. Any goroutine may call its methods, unless the Conn belongs to a
// loop: see On. Then only code on the loop may call them: tasks, and also callbacks if the call
// need not wait. If several calls read at the same time, each waits for the one before it. The same
// holds for calls that write.
type Conn struct{ base }

// A TCPConn is a Conn, under its name in package net.
type TCPConn = Conn

// RemoteAddr returns the peer's address, even after Close.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Read waits for data. It returns io.EOF at the end of input, the peer's FIN.
func (c *Conn) Read(p []byte) (int, error) { return c.read(p) }

// Data is Read without a buffer of the caller. It returns the data that has arrived, at most 64
// KiB. A Conn that waits in Data holds no buffer. In a task, the result is in the loop's buffer,
// and is valid until the task waits or calls Data again. In a goroutine, the result is valid until
// the next Data of the Conn. See socket.Socket.Data.
func (c *Conn) Data() ([]byte, error) { return c.data() }

// Write sends all of p; n is less only with an error.
func (c *Conn) Write(p []byte) (int, error) { return c.write(p) }

// WriteBuffers sends the buffers and consumes v, as net.Buffers.WriteTo does. One system call sends
// up to 64 large buffers, or 64 KiB of small ones. (net.Buffers.WriteTo itself uses such system
// calls only for connections of package net. For other connections it writes the buffers one by
// one.)
func (c *Conn) WriteBuffers(v *net.Buffers) (int64, error) { return c.writeBuffers(v) }

// ReadFrom sends the data of r until io.EOF. io.Copy calls it. If r is a regular file or a stream
// of this package, Linux copies the data inside the kernel (sendfile, splice). This also holds for
// such an r in an io.LimitedReader. If r is a *net.Buffers, ReadFrom does what WriteBuffers does.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) { return c.copyFrom(r) }

// WriteTo writes the received data to w until the end of input. io.Copy calls it. If w is another
// stream of this package, Linux copies the data inside the kernel.
func (c *Conn) WriteTo(w io.Writer) (int64, error) { return c.copyTo(w) }

// CloseRead ends reading: every Read returns io.EOF from now on. Most programs just use Close.
func (c *Conn) CloseRead() error { return c.shutdown(socket.SHUT_RD) }

// CloseWrite sends a FIN after the written data. The Conn can still read.
func (c *Conn) CloseWrite() error { return c.shutdown(socket.SHUT_WR) }

// SetNoDelay turns Nagle's algorithm off (true, the default) or on (false). TCP only.
func (c *Conn) SetNoDelay(on bool) error {
	return c.setTCP(socket.IPPROTO_TCP, socket.TCP_NODELAY, on)
}

// SetKeepAlive chooses whether the kernel probes a silent peer. It is for TCP only. By default the
// kernel sends a probe every 15 s, as with package net.
func (c *Conn) SetKeepAlive(on bool) error {
	return c.setTCP(socket.SOL_SOCKET, socket.SO_KEEPALIVE, on)
}

// SetKeepAlivePeriod sets the time of silence before the first probe, rounded up to whole seconds.
// It is for TCP only. As with package net, 0 means 15 s, and a negative d changes nothing.
func (c *Conn) SetKeepAlivePeriod(d time.Duration) error {
	return netaddr.KeepAliveTime(kernel.TCP_KEEPIDLE, d, c.setOption)
}

// SetKeepAliveConfig configures the probes. As with package net, a time of 0 means 15 s, a count of
// 0 means 9 probes, and a negative value changes nothing.
func (c *Conn) SetKeepAliveConfig(k net.KeepAliveConfig) error {
	return netaddr.KeepAlive(k, c.setOption)
}

// setOption is setTCP with the signature of a netaddr.Setter.
func (c *Conn) setOption(level, name, value int, _ string) error {
	return c.setTCP(level, name, value)
}

// setTCP sets an option of TCP. As in package net, its error names both addresses.
func (c *Conn) setTCP(level, name int, v any) error {
	err := c.set(level, name, v)
	if op, ok := err.(*net.OpError); ok {
		op.Source, op.Addr = c.local, c.remote
	}
	return err
}

// SetLinger chooses what Close does with unsent data. With sec < 0, the default, the kernel sends
// it in the background. With sec == 0, Close discards it and resets the connection. With sec > 0,
// Close may wait up to sec seconds until the data is sent. On a loop this wait blocks all
// connections.
func (c *Conn) SetLinger(sec int) error {
	on := uint32(1)
	if sec < 0 {
		on, sec = 0, 0
	}
	if sec > math.MaxInt32 {
		return c.tooLarge(int64(sec))
	}
	linger := bits.NativeEndian.AppendUint32(bits.NativeEndian.AppendUint32(nil, on), uint32(sec))
	return c.setTCP(socket.SOL_SOCKET, socket.SO_LINGER, linger)
}
