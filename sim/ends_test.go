package sim_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// An end of a pipe reports that the other end is closed: with Hup for reading, and with Err for
// writing. In poll(2) of the BSDs, both report Hup.
func TestAPipeReportsThatItsOtherEndIsClosed(t *testing.T) {
	for k, want := range map[sim.Kernel][2]poller.Readiness{sim.Linux: {poller.Hup, poller.Out | poller.Err},
		sim.FreeBSD: {poller.Hup | poller.Out, poller.Hup | poller.Out}, sim.NetBSD: {poller.Hup, poller.Hup | poller.Out}} {
		for i := range 2 {
			w := sim.New(1, sim.Options{Kernel: k})
			h := w.Host("10.0.0.1")
			r, wr, _ := h.Pipe()
			ends := [2]int{r, wr}
			if ready, _ := h.Ready(ends[i]); ready&(poller.Hup|poller.Err) != 0 {
				t.Errorf("%v, end %d: %v", k, i, ready)
			}
			h.Close(ends[1-i])
			if ready, _ := h.Ready(ends[i]); ready != want[i] {
				t.Errorf("%v, end %d alone: %v, want %v", k, i, ready, want[i])
			}
			w.Close()
		}
	}
}

// A shutdown of a listener for reading resets the connections in its queue. On Linux the socket can
// listen again, with an empty queue.
func TestAShutdownOfAListenerEmptiesItsQueue(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	server, client := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	fd, l := across(w, server, client, func(*sim.Host, int) {})
	if e := server.Shutdown(l, kernel.SHUT_RD); e != 0 {
		t.Fatal(e)
	}
	if after, e := ends(w, client, fd); after > time.Second || e != kernel.ECONNRESET {
		t.Errorf("the client: after %v %v", after, e)
	}
	e := server.Listen(l, 5)
	if _, _, e2 := server.Accept(l); e != 0 || e2 != kernel.EAGAIN {
		t.Errorf("listen %v, accept %v", e, e2)
	}
}

// A shutdown of a datagram socket wakes every edge-triggered registration.
func TestAShutdownIsAnEvent(t *testing.T) {
	for want, how := range map[poller.Interest]int{poller.In: kernel.SHUT_RD, poller.Out: kernel.SHUT_WR} {
		w := sim.New(1, sim.Options{})
		h := w.Host("10.0.0.1")
		fd, _ := datagramSocket(h, "10.0.0.1:9")
		h.Connect(fd, kernel.Inet(addr("10.0.0.1:9")))
		p, _ := h.NewPoller()
		p.Add(fd, 1, want|poller.Edge)
		wait := func() int {
			n, _ := p.Wait(make([]poller.Event, 1), h.Now()+timeout.Deadline(time.Millisecond))
			return n
		}
		wait()
		if e := h.Shutdown(fd, how); e != 0 || wait() != 1 {
			t.Errorf("%v: no Event after a shutdown (%v)", want, e)
		}
		w.Close()
	}
}

// A broadcast reaches the sockets of its port, on hosts that have any.
func TestABroadcastToHostsWithoutThePort(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	w.Host("10.0.0.3")
	fd, _ := datagramSocket(a, "0.0.0.0:8", kernel.SO_BROADCAST)
	to, _ := datagramSocket(b, "0.0.0.0:9")
	if n, e := a.SendTo(fd, []byte("all"), 0, kernel.Inet(addr("255.255.255.255:9"))); n != 3 || e != 0 {
		t.Fatal(n, e)
	}
	w.Run(time.Second)
	if n, from, e := b.RecvFrom(to, make([]byte, 9), 0); n != 3 || from.String() != "10.0.0.1:8" || e != 0 {
		t.Errorf("%d bytes from %v, %v", n, from, e)
	}
}

// SendMsg sends from Packet.Local, if the host has this address.
func TestADatagramLeavesFromItsLocalAddress(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	a, b := w.Host("10.0.0.1", "10.0.0.3"), w.Host("10.0.0.2")
	fd, _ := datagramSocket(a, "0.0.0.0:8")
	to, _ := datagramSocket(b, "10.0.0.2:9")
	for local, want := range map[string]string{"10.0.0.1:0": "10.0.0.1:8", "10.0.0.3:0": "10.0.0.3:8", "10.0.0.9:0": "10.0.0.1:8", "0.0.0.0:0": "10.0.0.1:8"} {
		p := kernel.Packet{Buf: []byte("x"), N: 1, Addr: kernel.Inet(addr("10.0.0.2:9")), Local: kernel.Inet(addr(local))}
		e := a.SendMsg(fd, &p, 0)
		w.Run(time.Second)
		if _, from, e2 := b.RecvFrom(to, make([]byte, 9), 0); from.String() != want || e != 0 || e2 != 0 {
			t.Errorf("from %s: %v, %v %v", local, from, e, e2)
		}
	}
}

// If O_NONBLOCK is cleared, Connect returns when the attempt has ended, with its result.
func TestAConnectThatBlocksReturnsTheResult(t *testing.T) {
	for _, k := range everyKernel {
		w := sim.New(1, sim.Options{Kernel: k})
		server, client := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		across(w, server, client, func(*sim.Host, int) {})
		client.Boot("main", func() {
			for at, want := range map[string]kernel.Errno{"10.0.0.1:7": 0, "10.0.0.1:8": kernel.ECONNREFUSED} {
				fd, _ := client.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
				client.SetNonblock(fd, false)
				e := client.Connect(fd, kernel.Inet(addr(at)))
				if _, peer := client.PeerAddr(fd); e != want || (peer == 0) != (want == 0) {
					t.Errorf("%v: connect to %s: %v, peer %v", k, at, e, peer)
				}
			}
		})
		if err := w.RunUntilDone(time.Minute); err != nil {
			t.Error(err)
		}
		w.Close()
	}
}

// A Wait that is refused is the same step of the history on every kernel.
func TestARefusedWaitIsOneStepEverywhere(t *testing.T) {
	hashes := map[uint64]bool{}
	for _, k := range everyKernel {
		w := sim.New(1, sim.Options{Kernel: k, Refused: map[sim.Call]kernel.Errno{sim.Wait: kernel.EPERM}})
		p, _ := w.Host("10.0.0.1").NewPoller()
		if n, err := p.Wait(make([]poller.Event, 1), timeout.Never); n != 0 || err == nil {
			t.Errorf("%v: %d, %v", k, n, err)
		}
		hashes[w.Hash()] = true
		w.Close()
	}
	if len(hashes) != 1 {
		t.Errorf("%d histories", len(hashes))
	}
}

// Heal is a step if it ends a cut.
func TestHealIsAStep(t *testing.T) {
	for cuts, want := range []string{"", "cut 10.0.0.1 → 10.0.0.2 heal", "cut 10.0.0.1 → 10.0.0.2 cut 10.0.0.2 → 10.0.0.1 heal"} {
		w := sim.New(1, sim.Options{Trace: -1})
		a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		for range cuts {
			w.CutOneWay(a, b)
			a, b = b, a
		}
		w.Heal()
		var text bytes.Buffer
		w.WriteTrace(&text)
		var notes []string
		for line := range strings.Lines(text.String()) {
			notes = append(notes, strings.Join(strings.Fields(line)[2:], " "))
		}
		if got := strings.Join(notes, " "); got != want {
			t.Errorf("%d cuts: %q, want %q", cuts, got, want)
		}
		w.Close()
	}
}

// A second Add is EEXIST. On FreeBSD it also makes the kernel report an edge again.
func TestASecondAdd(t *testing.T) {
	for k, want := range map[sim.Kernel]int{sim.Linux: 0, sim.FreeBSD: 1, sim.NetBSD: 0} {
		w := sim.New(1, sim.Options{Kernel: k})
		h := w.Host("10.0.0.1")
		fd, _ := datagramSocket(h, "10.0.0.1:9")
		p, _ := h.NewPoller()
		wait := func() int {
			n, _ := p.Wait(make([]poller.Event, 1), h.Now()+timeout.Deadline(time.Millisecond))
			return n
		}
		if err := p.Add(fd, 1, poller.Out|poller.Edge); err != nil || wait() != 1 || wait() != 0 {
			t.Errorf("%v: the first Add: %v, or its Event", k, err)
		}
		if err := p.Add(fd, 1, poller.Out|poller.Edge); !errors.Is(err, kernel.EEXIST) {
			t.Errorf("%v: the second Add: %v", k, err)
		}
		if n := wait(); n != want {
			t.Errorf("%v: %d Events after a second Add, want %d", k, n, want)
		}
		w.Close()
	}
}
