package netconn

import (
	"net"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
)

// A UnixConn is a Unix socket: a stream, or a socket of datagrams or packets. It has the methods of
// net.UnixConn, so ReadFrom and WriteTo are for datagrams. Use io.Copy to copy a stream.
type UnixConn struct {
	gram
	file   netaddr.File // the file that ListenUnixgram or DialUnix has made
	unlink atomic.Bool  // Close removes the file
}

// RemoteAddr returns the peer's address, or nil for a socket that has no peer.
func (c *UnixConn) RemoteAddr() net.Addr { return c.remote }

// Read waits for data of a stream, or for a datagram. See Conn.Read and PacketConn.Read.
func (c *UnixConn) Read(p []byte) (int, error) {
	if c.packets() {
		return c.readGram(p)
	}
	return c.read(p)
}

// packets reports whether the socket is a datagram socket.
func (b *base) packets() bool { return b.s.Type() == socket.SOCK_DGRAM }

// Write sends all of p to the peer.
func (c *UnixConn) Write(p []byte) (int, error) {
	if c.packets() {
		return c.writeGram(p)
	}
	return c.write(p)
}

// Data is Read without a buffer, for a stream: see Conn.Data.
func (c *UnixConn) Data() ([]byte, error) { return c.data() }

// WriteBuffers sends the buffers to a stream: see Conn.WriteBuffers.
func (c *UnixConn) WriteBuffers(v *net.Buffers) (int64, error) { return c.writeBuffers(v) }

// CloseRead ends reading: every Read returns io.EOF from now on.
func (c *UnixConn) CloseRead() error { return c.shutdown(socket.SHUT_RD) }

// CloseWrite ends sending: the peer reads the end of input after all written data.
func (c *UnixConn) CloseWrite() error { return c.shutdown(socket.SHUT_WR) }

// ReadFrom is Read that also returns the sender of a datagram, or nil for a sender without a name.
func (c *UnixConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.receiveUnix(p)
	return n, c.sender(from), err
}

// receiveUnix waits for a datagram or for data. As in package net, the end of a stream is an error
// here.
func (c *UnixConn) receiveUnix(p []byte) (int, kernel.Addr, error) {
	n, from, err := c.receive(p)
	if err == nil && n == 0 && len(p) > 0 && !c.packets() {
		return 0, kernel.Addr{}, c.endOfUnix()
	}
	return n, from, err
}

// ReadFromUnix is ReadFrom.
func (c *UnixConn) ReadFromUnix(p []byte) (int, *net.UnixAddr, error) {
	n, from, err := c.receiveUnix(p)
	at, _ := c.sender(from).(*net.UnixAddr)
	return n, at, err
}

// WriteTo sends a datagram. to is a *net.UnixAddr.
func (c *UnixConn) WriteTo(p []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UnixAddr)
	if !ok {
		return 0, c.addressed(to, kernel.EINVAL)
	}
	return c.WriteToUnix(p, a)
}

// WriteToUnix is WriteTo.
func (c *UnixConn) WriteToUnix(p []byte, to *net.UnixAddr) (int, error) {
	err := c.missing()
	if to == nil {
		return 0, c.addressed(nil, err)
	}
	n := 0
	switch {
	case c.connected:
	case to.Net != networkOf(c.s):
		err = kernel.EAFNOSUPPORT
	default:
		n, err = c.send(p, kernel.Unix(to.Name))
	}
	if err != nil {
		err = c.addressed(to, err)
	}
	return n, err
}

// ReadMessage is ReadFrom that also reports whether the datagram was truncated. A truncated
// datagram is not an error. Otherwise any stranger could end the usual receive loop with one long
// datagram.
func (c *UnixConn) ReadMessage(p []byte) (n int, about Message, err error) { return c.readMessage(p) }

// SetUnlinkOnClose chooses whether Close removes the file of a datagram socket that this package
// has made. By default the file stays, as in package net. Any goroutine may call SetUnlinkOnClose.
func (c *UnixConn) SetUnlinkOnClose(unlink bool) { c.unlink.Store(unlink) }

// Close ends every call in progress with net.ErrClosed. A second Close returns net.ErrClosed.
func (c *UnixConn) Close() error {
	if c.unlink.Swap(false) {
		remove(c.s, c.file)
	}
	return c.base.Close()
}
