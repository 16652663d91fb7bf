//go:build unix

package reactor

import (
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
)

// benchstat compares these benchmarks between commits, so do not change their names.

// BenchmarkEcho is an echo over a pair of Unix sockets. The kernel's part of the cost does not
// depend on the commit.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{64, 4 << 10, 16 << 10} {
		b.Run(fmt.Sprint("size=", size), func(b *testing.B) {
			r := manual(b)
			mine, peer := pair(b)
			b.Cleanup(func() { unix.Close(peer) })
			adoptFD(b, r, mine, &hooks{data: func(c *Conn, p []byte) { c.Send(p) }})
			msg, got := make([]byte, size), make([]byte, 64<<10)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				kernel.Host.Send(peer, msg, 0)
				for n := 0; n < size; {
					r.Turn(0)
					k, _ := kernel.Host.Recv(peer, got, 0)
					n += k
				}
			}
		})
	}
}

// In BenchmarkEchoIdleTimeout each message moves an idle timeout.
func BenchmarkEchoIdleTimeout(b *testing.B) {
	r := manual(b)
	mine, peer := pair(b)
	b.Cleanup(func() { unix.Close(peer) })
	c := adoptFD(b, r, mine, &hooks{data: func(c *Conn, p []byte) { c.Send(p) }})
	c.SetIdleTimeout(time.Hour)
	msg, got := make([]byte, 64), make([]byte, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		kernel.Host.Send(peer, msg, 0)
		for n := 0; n == 0; n, _ = kernel.Host.Recv(peer, got, 0) {
			r.Turn(0)
		}
	}
}

func BenchmarkTimerReset(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		b.Run(fmt.Sprint("armed=", n), func(b *testing.B) {
			r := manual(b)
			var all []*Timer
			for range n {
				all = append(all, r.After(time.Hour, func() {}))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				all[i%n].Reset(time.Hour)
			}
		})
	}
}

func BenchmarkPost(b *testing.B) {
	r := manual(b)
	f := func() {}
	b.ReportAllocs()
	for b.Loop() {
		r.Post(f)
		r.Turn(0)
	}
}

// In BenchmarkTaskSwitch a task yields and is resumed.
func BenchmarkTaskSwitch(b *testing.B) {
	r := manual(b)
	over := false
	r.Go(func(t *Task) {
		for !over {
			t.Sleep(0)
		}
	})
	r.Turn(0)
	b.ReportAllocs()
	for b.Loop() {
		r.Turn(0)
	}
	over = true
	r.Turn(0)
}

// BenchmarkDatagramEcho is an echo of one datagram.
func BenchmarkDatagramEcho(b *testing.B) {
	r := manual(b)
	back := 0
	server, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{packet: func(c *PacketConn, p []byte, from Addr) { c.SendTo(p, from) }})
	if err != nil {
		b.Fatal(err)
	}
	client, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{packet: func(*PacketConn, []byte, Addr) { back++ }})
	if err != nil {
		b.Fatal(err)
	}
	to := kernel.Inet(server.LocalAddr().(*net.UDPAddr).AddrPort())
	msg := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		back = 0
		client.SendTo(msg, to)
		r.endStep()
		for back == 0 {
			r.Turn(0)
		}
	}
}
