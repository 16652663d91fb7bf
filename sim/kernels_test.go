package sim_test

import (
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

var everyKernel = []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD}

// twoEnds returns two connected sockets of a host, and the listener.
func twoEnds(t *testing.T, w *sim.World, h *sim.Host, family int, prepare ...func(l int)) (a, b, l int) {
	t.Helper()
	at := kernel.Inet(addr("127.0.0.1:7"))
	if family == kernel.AF_UNIX {
		at = kernel.Unix("/run/pair")
	}
	l, _ = h.Socket(family, kernel.SOCK_STREAM, 0)
	for _, f := range prepare {
		f(l)
	}
	if e := h.Bind(l, at); e != 0 {
		t.Fatal(e)
	}
	h.Listen(l, 5)
	a, _ = h.Socket(family, kernel.SOCK_STREAM, 0)
	h.Connect(a, at)
	w.Run(time.Millisecond)
	b, _, e := h.Accept(l)
	if e != 0 {
		t.Fatal(e)
	}
	return a, b, l
}

// Only Unix sockets pass files. If another socket sends a file, or if a Unix socket with a file in
// its queue is closed, the kernel closes the file. The other end of a pipe notices that.
func TestFilesThatNobodyReceivesAreClosed(t *testing.T) {
	for name, send := range map[string]func(w *sim.World, h *sim.Host, p *kernel.Packet) kernel.Errno{
		"TCP": func(w *sim.World, h *sim.Host, p *kernel.Packet) kernel.Errno {
			a, _, _ := twoEnds(t, w, h, kernel.AF_INET)
			return h.SendMsg(a, p, 0)
		},
		"UDP": func(w *sim.World, h *sim.Host, p *kernel.Packet) kernel.Errno {
			fd, _ := h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
			p.Addr = kernel.Inet(addr("10.0.0.1:9"))
			return h.SendMsg(fd, p, 0)
		},
		"a batch of UDP": func(w *sim.World, h *sim.Host, p *kernel.Packet) kernel.Errno {
			fd, _ := h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
			p.Addr = kernel.Inet(addr("10.0.0.1:9"))
			_, e := h.SendBatch(fd, &kernel.Batch{Packets: []kernel.Packet{*p}}, 1)
			return e
		},
		"an empty send": func(w *sim.World, h *sim.Host, p *kernel.Packet) kernel.Errno {
			a, _, _ := twoEnds(t, w, h, kernel.AF_UNIX)
			p.N = 0
			return h.SendMsg(a, p, 0)
		},
		"a Unix socket that is closed": func(w *sim.World, h *sim.Host, p *kernel.Packet) kernel.Errno {
			a, b, _ := twoEnds(t, w, h, kernel.AF_UNIX)
			e := h.SendMsg(a, p, 0)
			h.Close(b)
			return e
		},
		"a receive without room for it": func(w *sim.World, h *sim.Host, p *kernel.Packet) kernel.Errno {
			a, b, _ := twoEnds(t, w, h, kernel.AF_UNIX)
			e := h.SendMsg(a, p, 0)
			h.RecvMsg(b, &kernel.Packet{Buf: make([]byte, 9)}, 0)
			return e
		},
	} {
		for _, passed := range []bool{true, false} {
			w := sim.New(1, sim.Options{})
			h := w.Host("10.0.0.1")
			r, wr, _ := h.Pipe()
			p := &kernel.Packet{Buf: []byte("x"), N: 1}
			if passed {
				p.Control = kernel.Rights(r)
				p.ControlN = len(p.Control)
			}
			if e := send(w, h, p); e != 0 {
				t.Errorf("%s: %v", name, e)
			}
			if ready, _ := h.Ready(wr); ready&poller.Err != 0 {
				t.Errorf("%s: the file is closed too early", name)
			}
			h.Close(r)
			if ready, _ := h.Ready(wr); ready&poller.Err == 0 {
				t.Errorf("%s, passed %v: the file is still open", name, passed)
			}
			w.Close()
		}
	}
}

// If a fault makes a call short, an edge-triggered Poller gets an Event in the direction of the
// call.
func TestAShortCallIsFollowedByAnEvent(t *testing.T) {
	buf := make([]byte, 100)
	batch := &kernel.Batch{Packets: []kernel.Packet{{Buf: buf, N: 10}, {Buf: buf, N: 10}, {Buf: buf, N: 10}}}
	for _, kind := range []string{"tcp", "unix", "udp"} {
		for c, call := range map[sim.Call]func(h *sim.Host, fd int) (int, kernel.Errno){
			sim.Recv: func(h *sim.Host, fd int) (int, kernel.Errno) { return h.Recv(fd, buf, 0) },
			sim.RecvFrom: func(h *sim.Host, fd int) (int, kernel.Errno) {
				n, _, e := h.RecvFrom(fd, buf, 0)
				return n, e
			},
			sim.RecvBatch: func(h *sim.Host, fd int) (int, kernel.Errno) { return h.RecvBatch(fd, batch) },
			sim.Send:      func(h *sim.Host, fd int) (int, kernel.Errno) { return h.Send(fd, buf[:20], 0) },
			sim.SendV:     func(h *sim.Host, fd int) (int, kernel.Errno) { return h.SendV(fd, [][]byte{buf[:10], buf[:10]}) },
		} {
			if (kind == "udp") != (c == sim.RecvBatch) {
				continue // a datagram is never short, and a batch is one of datagrams
			}
			w := sim.New(1, sim.Options{})
			h := w.Host("10.0.0.1")
			var a, b int
			switch kind {
			case "tcp":
				a, b, _ = twoEnds(t, w, h, kernel.AF_INET)
			case "unix":
				a, b, _ = twoEnds(t, w, h, kernel.AF_UNIX)
			case "udp":
				a, _ = h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
				b, _ = h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
				h.Bind(b, kernel.Inet(addr("127.0.0.1:9")))
				h.Connect(a, kernel.Inet(addr("127.0.0.1:9")))
			}
			p, err := h.NewPoller()
			if err != nil {
				t.Fatal(err)
			}
			want, other := poller.Readiness(poller.In), poller.Interest(poller.Out)
			if c == sim.Send || c == sim.SendV {
				want, other = poller.Out, poller.In
			}
			both := poller.Interest(want) | poller.Edge
			p.Add(b, 1, both)
			for range 3 {
				h.Send(a, buf[:10], 0)
			}
			wait := func() poller.Readiness {
				var events [4]poller.Event
				n, _ := p.Wait(events[:], h.Now()+timeout.Deadline(time.Millisecond))
				r := poller.Readiness(0)
				for _, e := range events[:n] {
					r |= e.Ready
				}
				return r
			}
			for wait() != 0 {
			}
			h.Inject(sim.Injection{Call: c, Nth: 1, Short: 1})
			if n, e := call(h, b); n != 1 || e != 0 {
				t.Errorf("%s %v: %d, %v", kind, c, n, e)
			}
			if r := wait(); r&want == 0 {
				t.Errorf("%s %v is short, and no Event follows (%v)", kind, c, r)
			}
			p.Mod(b, 1, other|poller.Edge)
			for wait() != 0 {
			}
			h.Inject(sim.Injection{Call: c, Nth: 1, Short: 1})
			call(h, b)
			if r := wait(); r&poller.Readiness(other) != 0 {
				t.Errorf("%s %v is short, and an Event of the other direction follows (%v)", kind, c, r)
			}
			w.Close()
		}
	}
}

// SendV returns an error only if it has sent nothing: with room for one byte it sends this byte.
func TestSendVThatSendsAByteHasNoError(t *testing.T) {
	w := sim.New(1, sim.Options{Buffer: 1 << 10})
	defer w.Close()
	h := w.Host("10.0.0.1")
	a, _, _ := twoEnds(t, w, h, kernel.AF_UNIX)
	if n, e := h.Send(a, make([]byte, 1<<10-1), 0); n != 1<<10-1 || e != 0 {
		t.Fatal(n, e)
	}
	if n, e := h.SendV(a, [][]byte{{1}, {2}}); n != 1 || e != 0 {
		t.Errorf("with room for one byte: %d, %v", n, e)
	}
	if n, e := h.SendV(a, [][]byte{{1}, {2}}); n != 0 || e != kernel.EAGAIN {
		t.Errorf("without room: %d, %v", n, e)
	}
}

// An accepted socket has the options of its listener. NetBSD leaves out TCP_KEEPIDLE.
func TestOptionsThatAnAcceptedSocketInherits(t *testing.T) {
	for _, k := range everyKernel {
		w := sim.New(1, sim.Options{Kernel: k})
		h := w.Host("10.0.0.1")
		options := map[string][3]int{"TCP_KEEPIDLE": {kernel.IPPROTO_TCP, kernel.TCP_KEEPIDLE, 33}, "TCP_KEEPINTVL": {kernel.IPPROTO_TCP, kernel.TCP_KEEPINTVL, 34},
			"TCP_KEEPCNT": {kernel.IPPROTO_TCP, kernel.TCP_KEEPCNT, 35}, "SO_RCVBUF": {kernel.SOL_SOCKET, kernel.SO_RCVBUF, 5000}}
		_, b, _ := twoEnds(t, w, h, kernel.AF_INET, func(l int) {
			for _, o := range options {
				h.SetOpt(l, o[0], o[1], o[2])
			}
		})
		for name, o := range options {
			n, e := h.GetOpt(b, o[0], o[1])
			if inherits := k != sim.NetBSD || name != "TCP_KEEPIDLE"; e != 0 || (n == o[2]) != inherits {
				t.Errorf("%v: %s of an accepted socket is %d, %v", k, name, n, e)
			}
		}
		w.Close()
	}
}

// A stream is readable when SO_RCVLOWAT bytes wait, or half of a buffer. A lower SO_RCVLOWAT wakes
// a Poller.
func TestALowWaterMarkHidesFewBytes(t *testing.T) {
	w := sim.New(1, sim.Options{Buffer: 4000})
	defer w.Close()
	h := w.Host("10.0.0.1")
	a, b, _ := twoEnds(t, w, h, kernel.AF_INET)
	p, _ := h.NewPoller()
	p.Add(b, 1, poller.In|poller.Edge)
	readable := func() bool {
		var events [1]poller.Event
		n, _ := p.Wait(events[:], h.Now()+timeout.Deadline(time.Millisecond))
		return n > 0 && events[0].Ready&poller.In != 0
	}
	for _, c := range []struct {
		send, mark int
		want       bool
	}{{0, 10, false}, {9, 10, false}, {0, 9, true}, {0, 10, false}, {1, 10, true}, {0, 1 << 20, false}, {1989, 1 << 20, false}, {1, 1 << 20, true}} {
		h.SetOpt(b, kernel.SOL_SOCKET, kernel.SO_RCVLOWAT, c.mark)
		if c.send > 0 {
			h.Send(a, make([]byte, c.send), 0)
		}
		if got := readable(); got != c.want {
			t.Errorf("after %d bytes more, with mark %d: readable %v", c.send, c.mark, got)
		}
	}
}
