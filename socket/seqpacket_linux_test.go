package socket_test

import (
	"io"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/socket"
)

// The input of a SOCK_SEQPACKET socket ends with io.EOF, also on a connection of netconn. The
// network of that connection has the name that package net uses.
func TestSeqPacketEnds(t *testing.T) {
	parked(t, func(l *lab) {
		const kind = socket.SOCK_SEQPACKET
		at := socket.Path(longtest.SocketPath(t))
		listener := l.socket(socket.AF_UNIX, kind)
		l.must(listener.Bind(at))
		l.must(listener.Listen(socket.DefaultBacklog))
		for _, conn := range []bool{false, true} {
			s := l.socket(socket.AF_UNIX, kind)
			l.must(s.Connect(at))
			peer, _, err := listener.Accept()
			l.must(err)
			_, err = peer.SendTo([]byte("x"), at) // the socket is connected, so the address has no effect
			l.must(err)
			l.must(peer.Close())
			var r io.Reader = s
			if conn {
				c := netconn.New(s)
				if n := c.LocalAddr().Network(); n != "unixpacket" {
					t.Errorf("network %q", n)
				}
				r = c
			}
			p := make([]byte, 9)
			if n, err := r.Read(p); n != 1 || err != nil {
				t.Errorf("conn %v: %d, %v", conn, n, err)
			}
			if n, err := r.Read(p); n != 0 || err != io.EOF {
				t.Errorf("conn %v, at the end: %d, %v", conn, n, err)
			}
		}
	})
}
