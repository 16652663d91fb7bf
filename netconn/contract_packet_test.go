//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
)

// The test checks five things of a PacketConn: the boundaries of datagrams, truncation, deadlines
// in both directions, concurrent readers and writers, and Close.
func TestPacketConn(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	for _, network := range []string{"udp4", "udp6", "unixgram"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			a, b := packetConn(t, network), packetConn(t, network)
			deadlines(t, a.SetReadDeadline, func() error { _, _, err := a.ReadFrom(make([]byte, 1)); return err })
			a.SetWriteDeadline(time.Unix(1, 0))
			if _, err := a.WriteTo([]byte("x"), b.LocalAddr()); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("write past the deadline: %v", err)
			}
			a.SetWriteDeadline(time.Time{})

			for _, text := range []string{"one", "", "three"} {
				if n, err := a.WriteTo([]byte(text), b.LocalAddr()); n != len(text) || err != nil {
					t.Fatal(n, err)
				}
			}
			for _, want := range []string{"on", "", "th"} { // only the bytes that do not fit are lost
				p := make([]byte, 2)
				n, from, err := b.ReadFrom(p)
				if string(p[:n]) != want || err != nil || from.String() != a.LocalAddr().String() || from.Network() != a.LocalAddr().Network() {
					t.Errorf("%q from %v, %v; want %q from %v", p[:n], from, err, want, a.LocalAddr())
				}
			}
			racingPackets(t, a, b)
			ended := make(chan error)
			go func() { _, _, err := b.ReadFrom(make([]byte, 1)); ended <- err }()
			time.Sleep(time.Millisecond) // so that the other goroutine usually waits first
			b.Close()
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Errorf("ReadFrom under Close: %v", err)
			}
		})
	}
}

func packetConn(t *testing.T, network string) net.PacketConn {
	t.Helper()
	c, err := netconn.ListenPacket(network, free(t, network))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// racingPackets makes several goroutines send and receive on the same two sockets. Each datagram
// must arrive whole, at exactly one goroutine.
func racingPackets(t *testing.T, a, b net.PacketConn) {
	const n = 8
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if _, err := a.WriteTo(bytes.Repeat([]byte{byte(i)}, 100), b.LocalAddr()); err != nil {
				t.Error(err)
			}
		})
	}
	seen := make([]int, n)
	var mu sync.Mutex
	for range n {
		all.Go(func() {
			b.SetReadDeadline(time.Now().Add(long))
			p := make([]byte, 200)
			k, _, err := b.ReadFrom(p)
			if k != 100 || err != nil || !bytes.Equal(p[:k], bytes.Repeat(p[:1], 100)) {
				t.Errorf("%d bytes, %v", k, err)
				return
			}
			mu.Lock()
			seen[p[0]]++
			mu.Unlock()
		})
	}
	all.Wait()
	b.SetReadDeadline(time.Time{})
	for i, k := range seen {
		if k != 1 {
			t.Errorf("datagram %d came %d times", i, k)
		}
	}
}

// A dialled datagram socket is a net.Conn that receives only from that peer.
func TestDialledPackets(t *testing.T) {
	for _, network := range []string{"udp", "udp6", "unixgram"} {
		t.Run(network, func(t *testing.T) {
			b := packetConn(t, network)
			c, err := netconn.Dial(network, b.LocalAddr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if fmt.Sprint(c.RemoteAddr()) != b.LocalAddr().String() {
				t.Errorf("RemoteAddr %v, want %v", c.RemoteAddr(), b.LocalAddr())
			}
			if _, err := c.Write([]byte("hi")); err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 10)
			n, from, err := b.ReadFrom(p)
			if string(p[:n]) != "hi" || err != nil {
				t.Fatal(n, err)
			}
			if network == "unixgram" { // the dialled socket has no name, so nobody can answer
				if from != nil {
					t.Errorf("from %v", from)
				}
				return
			}
			b.WriteTo([]byte("ho"), from)
			if n, err := c.Read(p); string(p[:n]) != "ho" || err != nil {
				t.Error(n, err)
			}
		})
	}
}
