package main

import (
	"errors"
	"net"
	"net/netip"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/timeout"
)

// gramMax is the size of the largest datagram that is echoed. UDP datagrams are smaller.
const gramMax = 4 << 20

var (
	errCut     = errors.New("the datagram does not fit")
	errNowhere = errors.New("the datagram has no sender address")
)

// grams reads and answers the datagrams of a socket, in a goroutine or a task.
type grams struct {
	c    packetConn
	udp  *netconn.PacketConn // c if it is UDP, otherwise nil
	unix *netconn.UnixConn   // c if it is a Unix socket, otherwise nil
	buf  []byte              // only pages that a datagram has reached use memory
	n    int
	from netip.AddrPort // with UDP
	path net.Addr       // the local address of a Unix socket
	cut  bool
}

func newGrams(c packetConn) *grams {
	g := &grams{c: c, buf: make([]byte, gramMax)}
	g.udp, _ = c.(*netconn.PacketConn)
	g.unix, _ = c.(*netconn.UnixConn)
	return g
}

// read waits for a datagram.
func (g *grams) read() (err error) {
	if g.udp != nil {
		g.n, g.from, err = g.udp.ReadFromUDPAddrPort(g.buf)
		return err
	}
	var about netconn.Message
	g.n, about, err = g.unix.ReadMessage(g.buf)
	g.path, g.cut = about.From, about.Truncated
	return err
}

// answer sends the datagram back. It does not wait for room, because one Unix client with a full
// queue would delay all others. A Socket can send without waiting, but a connection of package net
// cannot.
func (g *grams) answer() (err error) {
	k := g.c.Socket()
	_ = k.SetTimeout(0)
	switch {
	case g.cut:
		err = errCut
	case g.udp != nil:
		_, err = g.udp.WriteToUDPAddrPort(g.buf[:g.n], g.from)
	case g.path == nil:
		err = errNowhere
	default:
		_, err = g.c.WriteTo(g.buf[:g.n], g.path)
	}
	_ = k.SetTimeout(timeout.None)
	return err
}
