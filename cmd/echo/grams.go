package main

import (
	"errors"
	"net"
	"net/netip"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/timeout"
)

// gramMax is the largest datagram that is echoed. UDP has none so large.
const gramMax = 4 << 20

var (
	errCut     = errors.New("the datagram does not fit")
	errNowhere = errors.New("the datagram has no sender address")
)

// grams reads and answers the datagrams of a socket, in a goroutine or in a task.
type grams struct {
	c    *netconn.PacketConn
	unix bool
	buf  []byte // only the pages that datagrams reach use memory
	n    int
	from netip.AddrPort // for UDP
	path net.Addr       // for a Unix socket
	cut  bool
}

func newGrams(c *netconn.PacketConn) *grams {
	_, unix := c.LocalAddr().(*net.UnixAddr)
	return &grams{c: c, unix: unix, buf: make([]byte, gramMax)}
}

// read waits for a datagram.
func (g *grams) read() (err error) {
	if !g.unix {
		g.n, g.from, err = g.c.ReadFromUDPAddrPort(g.buf)
		return err
	}
	var about netconn.Message
	g.n, about, err = g.c.ReadMessage(g.buf)
	g.path, g.cut = about.From, about.Truncated
	return err
}

// answer sends the datagram back. It does not wait for room: one Unix client with a full queue
// would hold up all others. A Socket offers this, package net does not.
func (g *grams) answer() (err error) {
	k := g.c.Socket()
	_ = k.SetTimeout(0)
	switch {
	case g.cut:
		err = errCut
	case !g.unix:
		_, err = g.c.WriteToUDPAddrPort(g.buf[:g.n], g.from)
	case g.path == nil:
		err = errNowhere
	default:
		_, err = g.c.WriteTo(g.buf[:g.n], g.path)
	}
	_ = k.SetTimeout(timeout.None)
	return err
}
