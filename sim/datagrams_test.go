package sim_test

import (
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// datagramSocket is a UDP socket that is bound to an address, after options of SOL_SOCKET are set.
func datagramSocket(h *sim.Host, at string, options ...int) (fd int, e kernel.Errno) {
	a := kernel.Inet(addr(at))
	fd, _ = h.Socket(a.Family, kernel.SOCK_DGRAM, 0)
	for _, o := range options {
		h.SetOpt(fd, kernel.SOL_SOCKET, o, 1)
	}
	return fd, h.Bind(fd, a)
}

// The largest datagram is that of UDP on Linux, and net.inet.udp.maxdgram on the BSDs.
func TestTheLargestDatagram(t *testing.T) {
	for _, c := range []struct {
		k    sim.Kernel
		at   string
		most int
	}{{sim.Linux, "10.0.0.1:9", 65507}, {sim.Linux, "[fd00::1]:9", 65527}, {sim.FreeBSD, "10.0.0.1:9", 9216}, {sim.NetBSD, "[fd00::1]:9", 9216}} {
		w := sim.New(1, sim.Options{Kernel: c.k})
		h := w.Host("10.0.0.1", "fd00::1")
		fd, _ := datagramSocket(h, c.at)
		for size, want := range map[int]kernel.Errno{c.most: 0, c.most + 1: kernel.EMSGSIZE} {
			n, e := h.SendTo(fd, make([]byte, size), 0, kernel.Inet(addr(c.at)))
			if e != want || n != size && e == 0 || n != 0 && e != 0 {
				t.Errorf("%v, %s: a datagram of %d bytes: %d, %v", c.k, c.at, size, n, e)
			}
		}
		w.Close()
	}
}

// A datagram takes more of a receive buffer than its bytes. On Linux up to 192 bytes take 832, and
// more bytes at least 1,280. On a BSD a datagram takes 256 bytes more than it has.
func TestADatagramTakesMoreThanItsBytes(t *testing.T) {
	for _, c := range []struct {
		k            sim.Kernel
		size, buffer int
	}{{sim.Linux, 192, 1024}, {sim.Linux, 193, 1280}, {sim.FreeBSD, 768, 1024}, {sim.NetBSD, 768, 1024}} {
		w := sim.New(1, sim.Options{Kernel: c.k})
		h := w.Host("10.0.0.1")
		fd, _ := datagramSocket(h, "10.0.0.1:9")
		h.SetOpt(fd, kernel.SOL_SOCKET, kernel.SO_RCVBUF, c.buffer)
		for size, fits := range map[int]bool{c.size: true, c.size + 1: c.k == sim.Linux && c.size != 192} {
			h.SendTo(fd, make([]byte, size), 0, kernel.Inet(addr("10.0.0.1:9")))
			w.Run(time.Millisecond)
			if n, e := h.Recv(fd, make([]byte, 9000), 0); (e == 0) != fits {
				t.Errorf("%v: %d bytes in a buffer of %d: %d, %v", c.k, size, c.buffer, n, e)
			}
		}
		w.Close()
	}
}

// Two datagram sockets share a port if both have SO_REUSEADDR, or both SO_REUSEPORT.
func TestWhichSocketsShareAPort(t *testing.T) {
	const A, P = kernel.SO_REUSEADDR, kernel.SO_REUSEPORT
	for _, k := range everyKernel {
		for _, c := range []struct {
			one, two []int
			want     bool
		}{{nil, nil, false}, {[]int{A}, nil, false}, {nil, []int{A}, false}, {[]int{A}, []int{A}, true}, {[]int{P}, []int{P}, true}, {[]int{P}, nil, false},
			{[]int{A}, []int{P}, false}, {[]int{A, P}, []int{P}, true}} {
			w := sim.New(1, sim.Options{Kernel: k})
			h := w.Host("10.0.0.1")
			datagramSocket(h, "10.0.0.1:9", c.one...)
			if _, e := datagramSocket(h, "10.0.0.1:9", c.two...); (e == 0) != c.want || e != 0 && e != kernel.EADDRINUSE {
				t.Errorf("%v: options %v and %v: %v", k, c.one, c.two, e)
			}
			w.Close()
		}
	}
}

// Of several sockets on a port, the connected one gets the datagrams of its peer. A socket with an
// address comes before one without. Equal ones share the peers.
func TestWhoGetsADatagram(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h, other := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	const P = kernel.SO_REUSEPORT
	names := map[int]string{}
	// The port alone would choose "one".
	for _, name := range []string{"any", "connected", "one", "two"} {
		at := "10.0.0.1:9"
		if name == "any" {
			at = "0.0.0.0:9"
		}
		fd, e := datagramSocket(h, at, P)
		if names[fd] = name; e != 0 {
			t.Fatal(e)
		}
		if name == "connected" {
			h.Connect(fd, kernel.Inet(addr("10.0.0.2:1000")))
		}
	}
	got := map[string]int{}
	for port := range 20 {
		from := kernel.Inet(addr("10.0.0.2:1000"))
		from.Port += uint16(port)
		fd, _ := other.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		other.Bind(fd, from)
		other.SendTo(fd, []byte{byte(port)}, 0, kernel.Inet(addr("10.0.0.1:9")))
		w.Run(time.Millisecond)
		for fd, name := range names {
			buf := make([]byte, 1)
			if n, _ := h.Recv(fd, buf, 0); n == 1 {
				got[name]++
				if (name == "connected") != (port == 0) {
					t.Errorf("the socket %q has got the datagram of port %d", name, port)
				}
			}
		}
	}
	if got["connected"] != 1 || got["any"] != 0 || got["one"] < 5 || got["two"] < 5 || got["one"]+got["two"] != 19 {
		t.Errorf("got %v", got)
	}
}

// A Unix stream is writable again when a quarter of its buffer is in use.
func TestAUnixStreamIsWritableFromAQuarterOn(t *testing.T) {
	w := sim.New(1, sim.Options{Buffer: 4096})
	defer w.Close()
	h := w.Host("10.0.0.1")
	a, b, _ := twoEnds(t, w, h, kernel.AF_UNIX)
	p, _ := h.NewPoller()
	p.Add(a, 1, poller.Out|poller.Edge)
	writable := func() bool {
		n, _ := p.Wait(make([]poller.Event, 1), h.Now()+timeout.Deadline(time.Millisecond))
		return n > 0
	}
	writable()
	for range 4 {
		h.Send(a, make([]byte, 1024), 0)
	}
	for i, want := range []bool{false, false, true} {
		h.Recv(b, make([]byte, 1024), 0)
		if got := writable(); got != want {
			t.Errorf("after %d receives: %v", i+1, got)
		}
	}
}

// On Linux, a Unix socket is connected to a receiver with a full queue. When the receiver reads one
// datagram, the socket becomes writable, also if another socket has filled the queue.
func TestAReceiverWithRoomNotifiesAllWhoAreConnected(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	var fds [3]int
	for i := range fds {
		fds[i], _ = h.Socket(kernel.AF_UNIX, kernel.SOCK_DGRAM, 0)
	}
	r, filler, other := fds[0], fds[1], fds[2]
	h.Bind(r, kernel.Unix("/run/r"))
	h.Connect(filler, kernel.Unix("/run/r"))
	h.Connect(other, kernel.Unix("/run/r"))
	for e := kernel.Errno(0); e == 0; _, e = h.Send(filler, []byte("x"), 0) {
	}
	p, _ := h.NewPoller()
	p.Add(other, 1, poller.Out|poller.Edge)
	for i, want := range []int{0, 1, 0} {
		if i > 0 {
			h.Recv(r, make([]byte, 1), 0)
		}
		if n, _ := p.Wait(make([]poller.Event, 1), h.Now()+timeout.Deadline(time.Millisecond)); n != want {
			t.Errorf("after %d receives: %d Events, want %d", i, n, want)
		}
	}
}
