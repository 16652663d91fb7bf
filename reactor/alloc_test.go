//go:build unix

package reactor

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
)

func noAllocs(t *testing.T, what string, f func()) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if !longtest.Measures(t) {
		return
	}
	for range 20 {
		f() // the first calls make pools, buffers and the table
	}
	if n := testing.AllocsPerRun(longtest.Count(100, 500, 500), f); n != 0 {
		t.Errorf("%s allocates %v times, want never", what, n)
	}
}

// An echo (read, Data, Send and flush) allocates nothing. The messages are small or large, each one
// moves an idle timeout, and there is a panic handler or none.
func TestEchoDoesNotAllocate(t *testing.T) {
	for _, size := range []int{64, 5000, 60_000} {
		r := manual(t)
		a, b := pair(t)
		t.Cleanup(func() { unix.Close(b) })
		c := adoptFD(t, r, a, &hooks{data: func(c *Conn, p []byte) { c.Send(p) }})
		c.SetIdleTimeout(time.Hour)
		msg := make([]byte, size)
		got := make([]byte, size)
		noAllocs(t, "an echo", func() {
			for sent, n := 0, 0; n < size; { // on a BSD a pair of sockets has room for 8 KiB
				sent += fill(b, msg[sent:])
				r.Turn(0)
				k, _ := kernel.Host.Recv(b, got, 0)
				n += k
			}
		})
	}
}

// An echo between a dialled and an accepted Conn of the same loop allocates nothing either.
func TestEchoOverTCPDoesNotAllocate(t *testing.T) {
	r := manual(t)
	l, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	opened := false
	c, err := r.Dial("tcp", l.Addr().String(), &hooks{
		opened: func(*Conn) { opened = true },
		data:   func(_ *Conn, p []byte) { got += len(p) },
	})
	if err != nil {
		t.Fatal(err)
	}
	turnUntil(t, r, func() bool { return opened })
	msg := make([]byte, 64)
	noAllocs(t, "an echo over TCP", func() {
		got = 0
		c.Send(msg)
		r.endStep()
		for got < len(msg) {
			r.Turn(0)
		}
	})
}

// Moving deadlines with every message allocates nothing, and neither does resetting or stopping
// timers.
func TestRearmingDoesNotAllocate(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	defer unix.Close(b)
	c := adoptFD(t, r, a, &hooks{})
	tm := r.After(time.Hour, func() {})
	noAllocs(t, "re-arming", func() {
		c.SetReadTimeout(time.Minute)
		c.SetWriteTimeout(time.Hour)
		c.SetIdleTimeout(time.Second)
		tm.Reset(time.Minute)
		tm.Stop()
		tm.Reset(time.Second)
		c.SetReadTimeout(0)
	})
}

// Output that waits, with back-pressure, allocates nothing, because it uses chunks of the loop's
// pool.
func TestBufferedOutputDoesNotAllocate(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	defer unix.Close(b)
	c := adoptFD(t, r, a, &hooks{})
	msg := make([]byte, 500_000)
	buf := make([]byte, 1<<20)
	pieces := [][]byte{msg[:3000], msg[3000:10_000], nil, msg[10_000:]}
	noAllocs(t, "buffering", func() {
		c.SendV(pieces...)
		c.Pause()
		c.Resume()
		for got := 0; got < len(msg); {
			n, _ := kernel.Host.Recv(b, buf, 0)
			got += n
			r.Turn(0)
		}
	})
}

// PostSend on another goroutine allocates nothing.
func TestPostSendDoesNotAllocate(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	defer unix.Close(b)
	c := adoptFD(t, r, a, &hooks{})
	msg := make([]byte, 100)
	buf := make([]byte, 4096)
	f := func() {}
	noAllocs(t, "PostSend", func() {
		for range 10 {
			if err := c.PostSend(msg); err != nil {
				t.Fatal(err)
			}
			r.Post(f)
		}
		for got := 0; got < 10*len(msg); {
			r.Turn(0)
			n, _ := kernel.Host.Recv(b, buf, 0)
			got += n
		}
	})
}

// An echo of datagrams allocates nothing.
func TestDatagramEchoDoesNotAllocate(t *testing.T) {
	r := manual(t)
	back := 0
	server, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{packet: func(c *PacketConn, p []byte, from Addr) { c.SendTo(p, from) }})
	if err != nil {
		t.Fatal(err)
	}
	client, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{packet: func(*PacketConn, []byte, Addr) { back++ }})
	if err != nil {
		t.Fatal(err)
	}
	to := kernel.Inet(server.LocalAddr().(*net.UDPAddr).AddrPort())
	small, large := make([]byte, 64), make([]byte, 9000)
	noAllocs(t, "a datagram", func() {
		back = 0
		client.SendTo(small, to)
		client.SendTo(large, to)
		client.SendTo(nil, to)
		r.endStep()
		for back < 3 {
			r.Turn(0)
		}
	})
}
