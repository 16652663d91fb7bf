package quic

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/ureactor/ureactor/tests/programs/kit"
)

// A QUIC server is bound to the wildcard address. It answers a client that has sent to the
// machine's second address through a NAT. The NAT forwards only packets that come from this second
// address.
func TestSecondAddressIsAnswered(t *testing.T) {
	kit.Same(t, func(n kit.Net) error {
		sc, cc := kit.TLS("x")
		pc, err := n.ListenPacket("udp", ":0")
		if err != nil {
			return err
		}
		defer pc.Close()
		l, err := quic.Listen(pc, sc, nil)
		if err != nil {
			return err
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(pc.LocalAddr().String())
		for _, at := range []string{"127.0.0.1", "127.0.0.2"} {
			to, err := net.ResolveUDPAddr("udp", at+":"+port)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			c, err := quic.DialAddr(ctx, forward(t, to), cc, nil)
			cancel()
			if err != nil {
				return fmt.Errorf("dialled at %s: %w", at, err)
			}
			if err := c.CloseWithError(0, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// forward is a NAT. It forwards only packets whose source is the address that was dialled.
func forward(t *testing.T, to *net.UDPAddr) string {
	in, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := net.DialUDP("udp", nil, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); out.Close() })
	from := make(chan *net.UDPAddr, 1)
	go func() {
		b := make([]byte, 2000)
		for first := true; ; first = false {
			n, a, err := in.ReadFromUDP(b)
			if err != nil {
				return
			}
			if first {
				from <- a
			}
			out.Write(b[:n])
		}
	}()
	go func() {
		b := make([]byte, 2000)
		a := <-from
		for {
			n, err := out.Read(b)
			if err != nil {
				return
			}
			in.WriteToUDP(b[:n], a)
		}
	}()
	return in.LocalAddr().String()
}
