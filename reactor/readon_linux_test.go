package reactor

import (
	"bytes"
	"net"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A peer has much to send. The k-th Data closes, pauses, detaches or changes the Conn, or does not
// return. Or it puts another Conn on the list of Conns to read. Then the loop reads no more in this
// turn, if the Conn wants no more. If the Conn wants more, it gets all bytes in their order. The
// other Conn gets its bytes too.
func TestBulkReadsStopWhenTheHandlerAsks(t *testing.T) {
	for name, act := range map[string]func(c *Conn){
		"other":  func(c *Conn) { c.Value().(*Conn).readNextTurn() },
		"close":  func(c *Conn) { c.Close() },
		"detach": func(c *Conn) { fd, _, _ := c.Detach(); kernel.Host.Close(fd) },
		"panic":  func(*Conn) { panic("on purpose") },
		"Goexit": func(*Conn) { runtime.Goexit() },
		"pause":  func(c *Conn) { c.Pause() },
		"both":   func(c *Conn) { c.Pause(); c.Resume() },
	} {
		for k := 1; k <= 6; k++ {
			testBulkRead(t, name, k, act)
		}
	}
}

func testBulkRead(t *testing.T, name string, k int, act func(c *Conn)) {
	r := manual(t, WithPanicHandler(func(*Conn, any, []byte) {}), WithReadSize(readLeast))
	c, peer := pausedConn(t, r)
	other, its := pausedConn(t, r)
	plan := pattern(16 * readLeast)
	sent, others := fill(peer, plan), fill(its, plan[:2*readLeast])
	if sent < 8*readLeast {
		t.Fatalf("the socket takes only %d bytes", sent)
	}
	var got []byte
	calls, quiet, ended := 0, false, false
	c.SetHandler(&hooks{data: func(c *Conn, p []byte) {
		if quiet || ended {
			t.Errorf("%s %d: another Data", name, k)
		}
		got = append(got, p...)
		if calls++; calls == k {
			quiet, ended = name == "pause", name != "pause" && name != "both" && name != "other"
			act(c)
		}
	}})
	c.SetValue(other)
	other.SetHandler(&hooks{data: func(_ *Conn, p []byte) { others -= len(p) }})
	c.Resume()
	other.Resume()
	turns := 0
	for after := 0; (others > 0 || len(got) < sent) && after < 3; turns++ {
		if ended && others == 0 {
			after++
		}
		if turns == 100 {
			t.Fatalf("%s %d: %d of %d bytes, and %d bytes of the other Conn are left", name, k, len(got), sent, others)
		}
		if apart(func() { r.Turn(r.Now() + 1) }); quiet {
			quiet = false
			c.Resume()
		}
	}
	if !bytes.Equal(got, plan[:len(got)]) || ended != c.is(closing|released) {
		t.Errorf("%s %d: wrong bytes, or the Conn has not ended: %v", name, k, !c.is(closing|released))
	}
	// Most turns read several times.
	if !ended && turns > 4+sent/(2*readLeast) {
		t.Errorf("%s %d: %d turns for %d bytes", name, k, turns, sent)
	}
}

// pausedConn returns an accepted Conn and its peer.
func pausedConn(t *testing.T, r *Reactor) (c *Conn, peer int) {
	l, err := r.Listen("tcp", "127.0.0.1:0", func(a *Conn) Handler { c = a; a.Pause(); return echo{} })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, e := kernel.Host.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	if e != 0 {
		t.Fatal(e)
	}
	t.Cleanup(func() { unix.Close(peer) })
	if e := kernel.Host.Connect(peer, kernel.Inet(l.Addr().(*net.TCPAddr).AddrPort())); e != 0 && e != kernel.EINPROGRESS {
		t.Fatal(e)
	}
	turnUntil(t, r, func() bool { return c != nil })
	// Without a large buffer few reads fill the loop's buffer.
	if err := unix.SetsockoptInt(int(c.w.fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20); err != nil {
		t.Fatal(err)
	}
	return c, peer
}
