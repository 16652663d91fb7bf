//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"net"
	"sync"
	"testing"

	"github.com/ureactor/ureactor/netconn"
)

// One goroutine receives while another one sends, on a socket at all addresses, which remembers the
// address that each sender has used. The race detector sees whether this memory is guarded.
func TestAnswersBesideReceives(t *testing.T) {
	p, err := netconn.ListenPacket("udp4", ":0")
	must(t, err)
	c := p.(*netconn.PacketConn)
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: c.LocalAddr().(*net.UDPAddr).Port}
	const count = 50 // senders
	var all sync.WaitGroup
	all.Go(func() {
		for range count {
			if _, _, err := c.ReadFrom(make([]byte, 10)); err != nil {
				t.Error(err)
			}
		}
	})
	for range count {
		sender, err := net.DialUDP("udp4", nil, to)
		must(t, err)
		_, err = sender.Write([]byte("x"))
		must(t, err)
		_, err = c.WriteTo([]byte("y"), sender.LocalAddr())
		must(t, err)
		must(t, sender.Close())
	}
	all.Wait()
	must(t, c.Close())
}
