package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// across is a connection from one host to another: the client's end, and the listener.
func across(w *sim.World, server, client *sim.Host, prepare func(h *sim.Host, fd int)) (fd, l int) {
	at := kernel.Inet(addr(server.Name() + ":7"))
	l, _ = server.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	prepare(server, l)
	server.Bind(l, at)
	server.Listen(l, 5)
	fd, _ = client.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	prepare(client, fd)
	client.Connect(fd, at)
	w.Run(time.Second)
	return fd, l
}

// keeps sets the options of keep-alive: seconds until the first probe and between probes, and the
// number of probes.
func keeps(idle, interval, count int) func(h *sim.Host, fd int) {
	return func(h *sim.Host, fd int) {
		h.SetOpt(fd, kernel.SOL_SOCKET, kernel.SO_KEEPALIVE, 1)
		h.SetOpt(fd, kernel.IPPROTO_TCP, kernel.TCP_KEEPIDLE, idle)
		h.SetOpt(fd, kernel.IPPROTO_TCP, kernel.TCP_KEEPINTVL, interval)
		h.SetOpt(fd, kernel.IPPROTO_TCP, kernel.TCP_KEEPCNT, count)
	}
}

// ends returns after which time a descriptor has an Event, and its error.
func ends(w *sim.World, h *sim.Host, fd int) (time.Duration, kernel.Errno) {
	p, _ := h.NewPoller()
	p.Add(fd, 1, poller.In)
	began := w.Now()
	p.Wait(make([]poller.Event, 1), h.Now()+timeout.Deadline(time.Hour))
	n, _ := h.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR)
	p.Del(fd)
	return w.Now() - began, kernel.Errno(n)
}

// A connection to a host that has crashed ends after the idle time and the time of all probes.
func TestProbesTakeTheTimeOfTheirOptions(t *testing.T) {
	for i, c := range [][3]int{{1, 1, 1}, {2, 1, 1}, {1, 2, 1}, {1, 1, 2}, {3, 4, 5}} {
		w := sim.New(1, sim.Options{})
		server, client := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		fd, l := across(w, server, client, keeps(c[0], c[1], c[2]))
		if i%2 == 0 { // else it is still in the queue
			server.Accept(l)
		}
		server.Crash()
		want := time.Duration(c[0]+c[1]*c[2]) * time.Second
		if after, e := ends(w, client, fd); after < want || after > want+time.Millisecond || e != kernel.ETIMEDOUT {
			t.Errorf("%v: after %v %v, want %v", c, after, e, want)
		}
		w.Close()
	}
}

// A connection waits in a listener's queue, and the reset of its peer is lost. A probe then finds
// that the peer has no such connection.
func TestAConnectionInTheQueueProbes(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	server, client := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	fd, l := across(w, server, client, keeps(5, 5, 5))
	w.Cut(server, client)
	client.SetOptBytes(fd, kernel.SOL_SOCKET, kernel.SO_LINGER, []byte{1, 1, 1, 1, 0, 0, 0, 0})
	client.Close(fd) // with a reset
	w.Run(time.Second)
	w.Heal()
	conn, _, e := server.Accept(l)
	if e != 0 {
		t.Fatal(e)
	}
	if after, e := ends(w, server, conn); after > 5*time.Second || e != kernel.ECONNRESET {
		t.Errorf("after %v %v", after, e)
	}
}

// A sender whose peer has no room, and then restarts, probes with one byte. The reset that answers
// it ends the connection.
func TestAFullPeerThatRestartsIsFoundByOneByte(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		w := sim.New(1, sim.Options{Buffer: 4096})
		server, client := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		fd, l := across(w, server, client, func(*sim.Host, int) {})
		if accepted {
			server.Accept(l)
		}
		var sizes []int
		w.AddRule(func(p sim.Packet) sim.Fate {
			if p.Kind == sim.PacketData {
				sizes = append(sizes, len(p.Data))
			}
			return sim.Fate{}
		})
		for range 3 {
			client.Send(fd, make([]byte, 4096), 0)
			w.Run(time.Second)
		}
		server.Crash()
		server.Restart()
		if after, e := ends(w, client, fd); after > time.Minute || e != kernel.ECONNRESET {
			t.Errorf("accepted %v: after %v %v", accepted, after, e)
		}
		if n := len(sizes); n < 2 || slices.Min(sizes) != 1 || sizes[n-1] != 1 {
			t.Errorf("accepted %v: packets of %v bytes", accepted, sizes)
		}
		w.Close()
	}
}

// A SYN-ACK is sent again seven times, and the first time after 1 s. So a handshake survives seven
// losses and not eight, with another host and with the host itself.
func TestASYNACKIsSentAgainSevenTimes(t *testing.T) {
	for _, k := range everyKernel {
		for _, own := range []bool{false, true} {
			for lost, want := range map[int]kernel.Errno{7: 0, 8: kernel.ETIMEDOUT} {
				w := sim.New(1, sim.Options{Kernel: k})
				server := w.Host("10.0.0.1")
				client := server
				skip := 1 // the SYN has the same way
				if !own {
					client, skip = w.Host("10.0.0.2"), 0
				}
				server.InjectPacket(sim.PacketInjection{To: client, Nth: 1 + skip, Kind: sim.Lost, Count: lost})
				fd, _ := across(w, server, client, func(*sim.Host, int) {})
				p, _ := client.NewPoller()
				p.Add(fd, 1, poller.Out)
				p.Wait(make([]poller.Event, 1), client.Now()+timeout.Deadline(time.Hour))
				n, _ := client.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR)
				_, e := client.PeerAddr(fd)
				if kernel.Errno(n) != want || (e == 0) != (want == 0) || w.Now() < 127*time.Second || w.Now() > 256*time.Second {
					t.Errorf("%v, own %v: after %d losses %v, peer %v, at %v", k, own, lost, kernel.Errno(n), e, w.Now())
				}
				w.Close()
			}
		}
	}
}
