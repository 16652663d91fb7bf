package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// pair is two hosts and a connection between them. c is the descriptor of a, and s is that of b.
type pair struct {
	w    *sim.World
	a, b *sim.Host
	c, s int
}

func newPair(t testing.TB, opt sim.Options) *pair {
	w := sim.New(1, opt)
	t.Cleanup(w.Close)
	p := &pair{w: w, a: w.Host("10.0.0.1"), b: w.Host("10.0.0.2")}
	at := kernel.Inet(addr("10.0.0.2:80"))
	l, _ := p.b.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	p.b.Bind(l, at)
	p.b.Listen(l, 1)
	p.c, _ = p.a.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	p.a.Connect(p.c, at)
	p.run(t, time.Second)
	var e kernel.Errno
	if p.s, _, e = p.b.Accept(l); e != 0 {
		t.Fatal(e)
	}
	p.b.Close(l)
	return p
}

func (p *pair) run(t testing.TB, d time.Duration) {
	t.Helper()
	if err := p.w.Run(d); err != nil {
		t.Fatal(err)
	}
}

// received returns what b has received since the last call.
func (p *pair) received() string {
	buf := make([]byte, 1000)
	n, e := p.b.Recv(p.s, buf, 0)
	if e != 0 {
		return sim.ErrnoName(e)
	}
	return string(buf[:n])
}

// InjectPacket affects exactly the nth packet of a stream. The bytes after this packet arrive after
// it.
func TestFateOfThePacketThatIsNamed(t *testing.T) {
	for _, c := range []struct {
		what  sim.PacketInjection
		early string // received after 100 ms
		late  string // received after a second
	}{
		{sim.PacketInjection{Kind: sim.Lost}, "one", "twothree"},
		{sim.PacketInjection{Kind: sim.Late, Delay: 300 * time.Millisecond}, "one", "twothree"},
		{sim.PacketInjection{Kind: sim.Doubled}, "onetwothree", "EAGAIN"},
		{sim.PacketInjection{Kind: sim.Reset}, "one", "ECONNRESET"},
	} {
		for _, named := range []bool{false, true} {
			p := newPair(t, sim.Options{})
			if c.what.To = nil; named {
				c.what.To = p.b
			}
			c.what.Nth = 2
			p.a.InjectPacket(c.what)
			for _, word := range []string{"one", "two", "three"} {
				p.a.Send(p.c, []byte(word), 0)
				p.run(t, time.Millisecond)
			}
			p.run(t, 97*time.Millisecond)
			if got := p.received(); got != c.early {
				t.Errorf("%v: %q in time, want %q", c.what.Kind, got, c.early)
			}
			p.run(t, 900*time.Millisecond)
			if got := p.received(); got != c.late {
				t.Errorf("%v: %q then, want %q", c.what.Kind, got, c.late)
			}
			if n := p.w.Injected(); n != 1 {
				t.Errorf("%v: %d faults", c.what.Kind, n)
			}
		}
	}
}

// InjectPacket loses, doubles and delays datagrams by their number. A datagram that is delayed
// arrives after later ones.
func TestFateOfTheDatagramThatIsNamed(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	to := kernel.Inet(addr("10.0.0.2:53"))
	s, _ := b.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
	b.Bind(s, to)
	c, _ := a.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
	a.InjectPacket(sim.PacketInjection{Nth: 3, Kind: sim.Lost})
	a.InjectPacket(sim.PacketInjection{Nth: 5, Kind: sim.Doubled})
	a.InjectPacket(sim.PacketInjection{Nth: 6, Kind: sim.Late, Delay: time.Second, Count: 2})
	for i := range 9 {
		a.SendTo(c, []byte{'1' + byte(i)}, 0, to)
		w.Run(time.Millisecond)
	}
	w.Run(2 * time.Second)
	got := ""
	buf := make([]byte, 10)
	for n, _, e := b.RecvFrom(s, buf, 0); e == 0; n, _, e = b.RecvFrom(s, buf, 0) {
		got += string(buf[:n])
	}
	if got != "1245589"+"67" {
		t.Errorf("received %s", got)
	}
}

// InjectPacket also affects the packets of a handshake. If the SYN or the SYN-ACK is lost, the
// connect takes about a second longer. A reset refuses the connect.
func TestFateOfHandshakes(t *testing.T) {
	for kind, want := range map[sim.Kind][2]string{sim.Lost: {"ENOTCONN", "0"}, sim.Late: {"ENOTCONN", "0"}, sim.Reset: {"ENOTCONN", "ENOTCONN"}} {
		for _, synack := range []bool{false, true} {
			w := sim.New(1, sim.Options{})
			a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
			at := kernel.Inet(addr("10.0.0.2:80"))
			l, _ := b.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
			b.Bind(l, at)
			b.Listen(l, 1)
			f := sim.PacketInjection{Nth: 1, Kind: kind}
			if kind == sim.Late {
				f.Delay = 800 * time.Millisecond
			}
			if synack {
				b.InjectPacket(f)
			} else {
				a.InjectPacket(f)
			}
			c, _ := a.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
			a.Connect(c, at)
			for i, d := range []time.Duration{700 * time.Millisecond, 2 * time.Second} {
				w.Run(d)
				if _, e := a.PeerAddr(c); errnoText(e) != want[i] {
					t.Errorf("%v, SYN-ACK %v: getpeername %s, want %s", kind, synack, errnoText(e), want[i])
				}
			}
			w.Close()
		}
	}
}

func errnoText(e kernel.Errno) string {
	if e == 0 {
		return "0"
	}
	return sim.ErrnoName(e)
}

// Host.Reset resets the connections of the given port at a time that the test chooses, and no
// others.
func TestScriptedReset(t *testing.T) {
	p := newPair(t, sim.Options{Jitter: 1})
	local, _ := p.a.LocalAddr(p.c)
	p.w.At(time.Second, func() {
		if n := p.a.Reset(local.Port + 1); n != 0 {
			t.Errorf("%d connections with another port", n)
		}
	})
	p.run(t, 2*time.Second)
	if got := p.received(); got != "EAGAIN" {
		t.Errorf("before: %s", got)
	}
	p.w.At(time.Second, func() {
		if n := p.a.Reset(local.Port); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
	p.run(t, 2*time.Second)
	_, e := p.a.Recv(p.c, make([]byte, 1), 0)
	if got := p.received(); got != "ECONNRESET" || e != kernel.ECONNRESET {
		t.Errorf("after: %s and %v", got, e)
	}
}

// After SetLatency and SetBandwidth, 1,000 bytes take as long as the new values say.
func TestScriptedLatencyAndBandwidth(t *testing.T) {
	p := newPair(t, sim.Options{Jitter: 1})
	took := func() time.Duration {
		begin := p.w.Now()
		p.a.Send(p.c, make([]byte, 1000), 0)
		for p.received() == "EAGAIN" {
			p.run(t, time.Millisecond/10)
		}
		return (p.w.Now() - begin).Round(time.Millisecond)
	}
	fast := took()
	p.w.SetLatency(50*time.Millisecond, 1)
	far := took()
	p.run(t, time.Second)
	p.w.SetBandwidth(10_000)
	narrow := took()
	if fast != 0 || far != 50*time.Millisecond || narrow != 150*time.Millisecond {
		t.Errorf("1,000 bytes take %v, at 50 ms %v, and with 10,000 bytes a second %v", fast, far, narrow)
	}
}

// The RST of a closed connection may be lost. A peer that has data to send then gets a second RST,
// even if it waits for room. Otherwise the peer would wait without end. The peer probes with one
// packet at a time. (Seed 707 of the mixed workload found this.)
func TestALostResetIsToldAgain(t *testing.T) {
	for name, end := range map[string]func(p *pair){
		"close":   func(p *pair) { p.w.CutOneWay(p.b, p.a); p.b.Close(p.s) },
		"crash":   func(p *pair) { p.b.Crash() },
		"restart": func(p *pair) { p.b.Crash(); p.b.Restart() },
	} {
		p := newPair(t, sim.Options{Buffer: 2048})
		for n := 1; n > 0; n, _ = p.a.Send(p.c, make([]byte, 4096), 0) {
			p.run(t, 10*time.Millisecond)
		}
		sent := p.a.Packets(nil)
		end(p)
		p.run(t, time.Second)
		p.w.Heal()
		p.b.Restart()
		p.run(t, 10*time.Second)
		if n := p.a.Packets(nil) - sent; n > 10 {
			t.Errorf("%s: %d packets to a peer that is gone", name, n)
		}
		if _, e := p.a.Send(p.c, []byte("x"), 0); e != kernel.ECONNRESET {
			t.Errorf("%s: send says %v ten seconds later", name, e)
		}
	}
}

// Impossible injections and properties of the network panic with a message that says what is
// possible.
func TestBadPacketFaultsAreRefused(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	for want, f := range map[string]func(){
		"must have Nth": func() { h.InjectPacket(sim.PacketInjection{Kind: sim.Lost}) },
		"Lost, Doubled": func() { h.InjectPacket(sim.PacketInjection{Nth: 1, Kind: sim.Crashed}) },
		"a Delay":       func() { h.InjectPacket(sim.PacketInjection{Nth: 1, Kind: sim.Late}) },
		"latency -1ns":  func() { w.SetLatency(-1, 0) },
		"bandwidth -1":  func() { w.SetBandwidth(-1) },
		"more than 0":   func() { w.Swizzle(0) },
	} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.Contains(v, want) {
					t.Errorf("panic %q, want one that says %q", v, want)
				}
			}()
			f()
		}()
	}
}
