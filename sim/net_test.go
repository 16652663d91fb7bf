package sim_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// connecting makes a socket of a host and connects it. It returns the result after the given time.
func connecting(t testing.TB, w *sim.World, h *sim.Host, to string, wait time.Duration) (fd int, e kernel.Errno) {
	t.Helper()
	a := kernel.Inet(addr(to))
	fd, e = h.Socket(a.Family, kernel.SOCK_STREAM, 0)
	if e == 0 {
		e = h.Connect(fd, a)
	}
	if e != kernel.EINPROGRESS {
		return fd, e
	}
	if err := w.Run(wait); err != nil {
		t.Fatal(err)
	}
	if n, _ := h.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR); n != 0 {
		return fd, kernel.Errno(n)
	}
	if _, e := h.PeerAddr(fd); e != 0 {
		return fd, kernel.EINPROGRESS
	}
	return fd, 0
}

func listening(t testing.TB, h *sim.Host, at string, backlog int) int {
	t.Helper()
	fd, _ := h.Socket(kernel.Inet(addr(at)).Family, kernel.SOCK_STREAM, 0)
	e := h.Bind(fd, kernel.Inet(addr(at)))
	if e == 0 {
		e = h.Listen(fd, backlog)
	}
	if e != 0 {
		t.Fatal(e)
	}
	return fd
}

// The test has a connect for every possible end, and checks its error and the time that it takes.
func TestConnectsEndAsTheyMust(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	a, b, far := w.Host("10.0.0.1"), w.Host("10.0.0.2", "fd00::2"), w.Host("10.0.0.3")
	l := listening(t, b, "10.0.0.2:80", 1)
	listening(t, b, "[::]:81", 9)
	w.Cut(a, far)
	for _, c := range []struct {
		from *sim.Host
		to   string
		wait time.Duration
		want kernel.Errno
	}{
		{a, "10.0.0.2:80", time.Millisecond, 0},
		{a, "10.0.0.2:81", time.Millisecond, 0}, // the IPv6 wildcard accepts IPv4
		{b, "[fd00::2]:81", time.Millisecond, 0},
		{b, "127.0.0.1:81", time.Millisecond, 0},
		{a, "10.0.0.2:82", time.Millisecond, kernel.ECONNREFUSED},
		{a, "127.0.0.1:80", time.Millisecond, kernel.ECONNREFUSED}, // another host's loopback address
		{a, "10.0.0.99:80", 2 * time.Second, kernel.EINPROGRESS},
		{a, "10.0.0.99:80", 4 * time.Second, kernel.EHOSTUNREACH},
		{a, "[fd00::2]:81", time.Millisecond, kernel.ENETUNREACH}, // a has no IPv6 address
		{a, "10.0.0.3:80", time.Minute, kernel.EINPROGRESS},
		{a, "10.0.0.3:80", 70 * time.Second, kernel.ETIMEDOUT},
	} {
		if _, e := connecting(t, w, c.from, c.to, c.wait); e != c.want {
			t.Errorf("%s to %s: %v, want %v", c.from, c.to, e, c.want)
		}
	}
	// A backlog of 1 holds two connections. A third one enters when one is accepted.
	if _, e := connecting(t, w, a, "10.0.0.2:80", time.Second); e != 0 {
		t.Error(e)
	}
	fd, e := connecting(t, w, a, "10.0.0.2:80", 10*time.Second)
	if e != kernel.EINPROGRESS {
		t.Errorf("a connection past the backlog: %v", e)
	}
	b.Accept(l)
	w.Run(20 * time.Second)
	if _, e := a.PeerAddr(fd); e != 0 {
		t.Errorf("after an accept: %v", e)
	}
	again, _ := b.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	if e := b.Bind(again, kernel.Inet(addr("10.0.0.2:80"))); e != kernel.EADDRINUSE {
		t.Errorf("bind to a port that is taken: %v", e)
	}
}

// A datagram to a multicast group reaches the hosts that have joined the group, and no other host.
func TestGroupsReachTheirMembers(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	a, b, c := w.Host("10.0.0.1"), w.Host("10.0.0.2"), w.Host("10.0.0.3")
	var fds []int
	for _, h := range []*sim.Host{a, b, c} {
		fd, _ := h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		h.Bind(fd, kernel.Inet(addr("0.0.0.0:5353")))
		if h != c {
			if e := h.SetOptBytes(fd, kernel.IPPROTO_IP, kernel.IP_ADD_MEMBERSHIP, []byte{224, 0, 0, 251, 0, 0, 0, 0}); e != 0 {
				t.Fatal(e)
			}
		}
		fds = append(fds, fd)
	}
	c.SendTo(fds[2], []byte("who?"), 0, kernel.Inet(addr("224.0.0.251:5353")))
	w.Run(time.Second)
	for i, h := range []*sim.Host{a, b, c} {
		n, e := h.Recv(fds[i], make([]byte, 10), 0)
		if member := h != c; member && n != 4 || !member && e != kernel.EAGAIN {
			t.Errorf("%s: %d, %v", h, n, e)
		}
	}
}

// A close with SO_LINGER of 5 s returns when all output is delivered, or after 5 s by the host's
// clock. Output that is still left is delivered later. Other programs continue during the close.
func TestLingerWithATime(t *testing.T) {
	for name, c := range map[string]struct {
		reads time.Duration // when the peer begins to read
		drift sim.Chance
		min   time.Duration
		max   time.Duration
	}{
		"read at once":    {0, 0, 20 * time.Millisecond, 100 * time.Millisecond},
		"read in time":    {3 * time.Second, 0, 3 * time.Second, 3100 * time.Millisecond},
		"read too late":   {8 * time.Second, 0, 5 * time.Second, 5001 * time.Millisecond},
		"by a slow clock": {8 * time.Second, -200_000, 6250 * time.Millisecond, 6251 * time.Millisecond},
	} {
		w := sim.New(1, sim.Options{Latency: 10 * time.Millisecond, Buffer: 4096})
		a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		a.SetClock(c.drift)
		l := listening(t, b, "10.0.0.2:80", 1)
		fd, e := connecting(t, w, a, "10.0.0.2:80", time.Second)
		if e != 0 {
			t.Fatal(e)
		}
		s, _, _ := b.Accept(l)
		linger := binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, 1), 5)
		got := make([]byte, 8)
		if a.SetOptBytes(fd, kernel.SOL_SOCKET, kernel.SO_LINGER, linger); true {
			a.GetOptBytes(fd, kernel.SOL_SOCKET, kernel.SO_LINGER, got)
		}
		if string(got) != string(linger) {
			t.Errorf("%s: SO_LINGER is %v", name, got)
		}
		sent, took := 0, time.Duration(0)
		n, _ := a.Send(fd, make([]byte, 4096), 0) // fills the buffer of the peer
		sent += n
		w.Run(time.Second)
		a.Boot("closes", func() {
			for n := 1; n > 0; sent += n {
				n, _ = a.Send(fd, make([]byte, 4096), 0)
			}
			begin := w.Now()
			a.Close(fd)
			took = w.Now() - begin
		})
		ticks := 0
		a.Boot("goes on", func() { ticks++ })
		received, end := 0, false
		var read func()
		read = func() {
			buf := make([]byte, 10_000)
			n, e := b.Recv(s, buf, 0)
			received += n
			if end = e == 0 && n == 0; !end {
				w.At(time.Millisecond, read)
			}
		}
		w.At(c.reads, read)
		if err := w.RunUntil(func() bool { return end }, time.Minute); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		w.Run(time.Second)
		if took < c.min || took > c.max || received != sent || sent < 8192 || ticks != 1 {
			t.Errorf("%s: close took %v, %d bytes of %d received", name, took, received, sent)
		}
		w.Close()
	}
}

// If a host crashes while a program waits in a close with SO_LINGER, the close never returns to the
// program.
func TestCrashDuringALingeringClose(t *testing.T) {
	w := sim.New(1, sim.Options{Buffer: 1024})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	listening(t, b, "10.0.0.2:80", 1)
	fd, _ := connecting(t, w, a, "10.0.0.2:80", time.Second)
	a.SetOptBytes(fd, kernel.SOL_SOCKET, kernel.SO_LINGER, binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, 1), 60))
	closed := time.Duration(0)
	a.Send(fd, make([]byte, 1024), 0) // fills the buffer of the peer
	w.Run(time.Second)
	a.Boot("closes", func() {
		a.Send(fd, make([]byte, 1024), 0)
		a.Close(fd)
		closed = w.Now()
	})
	w.At(5*time.Second, a.Crash)
	if err := w.RunUntilDone(time.Minute); err != nil || w.Now() != 7*time.Second {
		t.Errorf("it is over at %v, %v", w.Now(), err)
	}
	if w.Run(time.Minute); closed != 0 {
		t.Errorf("close returned at %v", closed)
	}
}

// On Linux a send without an address fails, but it has bound the datagram socket to a port. A later
// bind therefore fails.
func TestAFailedSendHasBound(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	fd, _ := h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
	if _, e := h.Send(fd, []byte("x"), 0); e != kernel.EDESTADDRREQ {
		t.Errorf("send without an address: %v", e)
	}
	if e := h.Bind(fd, kernel.Inet(addr("10.0.0.1:7"))); e != kernel.EINVAL {
		t.Errorf("bind after it: %v", e)
	}
}
