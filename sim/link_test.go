package sim_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// pairUp connects two hosts by TCP, and returns the descriptors.
func pairUp(t testing.TB, w *sim.World, a, b *sim.Host, port int) (fa, fb int) {
	t.Helper()
	at := fmt.Sprintf("%s:%d", b.Name(), port)
	l := listening(t, b, at, 5)
	fa, e := connecting(t, w, a, at, 10*time.Second)
	if e != 0 {
		t.Fatal(e)
	}
	must(t, w.Run(5*time.Second))
	fb, _, e = b.Accept(l)
	if e != 0 {
		t.Fatal(e)
	}
	b.Close(l)
	return fa, fb
}

// arrival returns how long n bytes take from one end to the other.
func arrival(t testing.TB, w *sim.World, a *sim.Host, fa int, b *sim.Host, fb, n int) time.Duration {
	t.Helper()
	return arrivalOf(t, w, a, fa, b, fb, n, n)
}

// arrivalOf is arrival if some of the total bytes were sent before.
func arrivalOf(t testing.TB, w *sim.World, a *sim.Host, fa int, b *sim.Host, fb, n, total int) time.Duration {
	t.Helper()
	begin := w.Now()
	if sent, e := a.Send(fa, make([]byte, n), 0); sent != n || e != 0 {
		t.Fatal(sent, e)
	}
	got := 0
	p := make([]byte, total)
	must(t, w.RunUntil(func() bool {
		k, e := b.Recv(fb, p, 0)
		if e == 0 {
			got += k
		}
		return got == total
	}, time.Hour))
	return w.Now() - begin
}

// Each direction of a Link has its own latency, bandwidth and loss. The links between other hosts
// do not change.
func TestALinkHasItsOwnProperties(t *testing.T) {
	w := sim.New(2, sim.Options{Latency: time.Millisecond, Jitter: time.Nanosecond})
	defer w.Close()
	a, b, c := w.Host("10.0.0.1"), w.Host("10.0.0.2"), w.Host("10.0.0.3")
	w.Link(a, b).SetLatency(300*time.Millisecond, 0)
	ab, ba := pairUp(t, w, a, b, 80)
	ac, ca := pairUp(t, w, a, c, 80)
	near := func(what string, got, want time.Duration) {
		t.Helper()
		if got < want || got > want+2*time.Microsecond {
			t.Errorf("%s takes %v, want %v", what, got, want)
		}
	}
	near("a → b", arrival(t, w, a, ab, b, ba, 1), 300*time.Millisecond)
	near("b → a", arrival(t, w, b, ba, a, ab, 1), time.Millisecond)
	near("a → c", arrival(t, w, a, ac, c, ca, 1), time.Millisecond)
	w.Link(a, c).SetBandwidth(1000)
	must(t, w.Run(time.Minute))
	near("500 bytes, 1,000 a second", arrival(t, w, a, ac, c, ca, 500), 501*time.Millisecond)
	must(t, w.Run(time.Minute))
	a.Send(ac, make([]byte, 250), 0)
	near("250 bytes after 250", arrivalOf(t, w, a, ac, c, ca, 250, 500), 501*time.Millisecond)
	w.Link(a, c).SetBandwidth(0).SetLatency(time.Second, time.Second)
	jitters := map[time.Duration]bool{}
	for range 5 {
		d := arrival(t, w, a, ac, c, ca, 1)
		if jitters[d] = true; d < time.Second || d > 2*time.Second {
			t.Errorf("with a jitter of 1s it takes %v", d)
		}
	}
	if len(jitters) < 5 {
		t.Errorf("jitters: %v", jitters)
	}
	w.Link(a, c).SetLatency(time.Millisecond, 0).SetLoss(sim.Always)
	_, e := a.Send(ac, []byte("lost"), 0)
	if must(t, w.Run(time.Minute)); e != 0 || c.Waiting(ca) != 0 {
		t.Errorf("a link that loses everything: %v, %d", e, c.Waiting(ca))
	}
	w.Link(a, c).SetLoss(0)
	if must(t, w.Run(time.Minute)); c.Waiting(ca) != 2*4 {
		t.Errorf("after the loss %d are there", c.Waiting(ca)/2)
	}
}

// A stream arrives in pieces of the link's MTU if there is one, or else of Options.Segment. Without
// both it arrives whole, but with every fourth seed in pieces of 1,448 bytes, as on an Ethernet.
func TestAStreamArrivesInPieces(t *testing.T) {
	for _, c := range []struct {
		seed         uint64
		segment, mtu int
		want         int
	}{{2, 0, 0, 10_000}, {1, 0, 0, 1448}, {2, 100, 0, 100}, {1, 100, 700, 700}, {1, 32 << 10, 0, 10_000}} {
		w := sim.New(c.seed, sim.Options{Segment: c.segment})
		a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		w.Link(a, b).SetMTU(c.mtu)
		fa, fb := pairUp(t, w, a, b, 80)
		a.Send(fa, make([]byte, 10_000), 0)
		must(t, w.RunUntil(func() bool { return b.Waiting(fb) > 0 }, time.Second))
		if n := b.Waiting(fb) / 2; n != c.want {
			t.Errorf("%+v: first come %d bytes", c, n)
		}
		w.Close()
	}
}

// Healing a Cut heals nothing else: where cuts overlap, the other cuts remain. World.Heal heals all
// of them.
func TestCutsHealOneByOne(t *testing.T) {
	w := sim.New(2, sim.Options{})
	defer w.Close()
	var h []*sim.Host
	for i := range 4 {
		h = append(h, w.Host(fmt.Sprint("10.0.0.", i+1)))
	}
	reaches := func(from, to *sim.Host) bool {
		in, _ := to.Socket(2, 2, 0)
		out, _ := from.Socket(2, 2, 0)
		defer to.Close(in)
		defer from.Close(out)
		at := reactor.AddrFrom(addr(to.Name() + ":9"))
		to.Bind(in, at)
		from.SendTo(out, []byte("x"), 0, at)
		must(t, w.Run(time.Second))
		return to.Waiting(in) > 0
	}
	table := func() string {
		var b bytes.Buffer
		for _, from := range h {
			for _, to := range h {
				b.WriteString(map[bool]string{true: "+", false: "-"}[reaches(from, to)])
			}
			b.WriteByte(' ')
		}
		return strings.TrimSpace(b.String())
	}
	is := func(what, want string) {
		t.Helper()
		if got := table(); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	is("peace", "++++ ++++ ++++ ++++")
	one := w.Partition(h[:1], h[1:3])
	is("h0 | h1 h2, and h3 is in no group", "+--+ -+++ -+++ ++++")
	two := w.Partition(h[:2], h[2:])
	is("h0 h1 | h2 h3 too", "+--- -+-- --++ --++")
	one.Heal()
	one.Heal()
	is("the second is left", "++-- ++-- --++ --++")
	three := w.Link(h[0], h[1]).Cut()
	two.Heal()
	is("one direction", "+-++ ++++ ++++ ++++")
	w.Cut(h[0], h[1])
	three.Heal()
	is("by World.Cut", "++++ -+++ ++++ ++++") // h0 → h1 was already cut, so Cut did not count
	w.Heal()
	is("World.Heal", "++++ ++++ ++++ ++++")
}

func second2[A, B any](a A, _ B) A { return a }

// A host opens more connections than it has ports, because connections to two addresses can share a
// port. To one address it can open at most one connection for each port.
func TestConnectsToTwoAddressesShareAPort(t *testing.T) {
	if !longtest.Default(t, "28,000 connections") {
		return
	}
	w := sim.New(2, sim.Options{Files: 1 << 20})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2", "10.0.0.3")
	listening(t, b, "10.0.0.2:80", 1<<20)
	listening(t, b, "10.0.0.3:80", 1<<20)
	connect := func(to string) kernel.Errno {
		fd, _ := a.Socket(2, 1, 0)
		return a.Connect(fd, reactor.AddrFrom(addr(to)))
	}
	const ports = 60999 - 32768 + 1
	for i := range ports {
		if e := connect("10.0.0.2:80"); e != kernel.EINPROGRESS {
			t.Fatalf("connect %d: %v", i, e)
		}
	}
	if e := connect("10.0.0.2:80"); e != kernel.EADDRNOTAVAIL {
		t.Errorf("one more: %v", e)
	}
	if e := connect("10.0.0.3:80"); e != kernel.EINPROGRESS {
		t.Errorf("to another address: %v", e)
	}
	fd, _ := a.Socket(2, 1, 0)
	if e := a.Bind(fd, reactor.AddrFrom(addr("10.0.0.1:0"))); e != kernel.EADDRINUSE {
		t.Errorf("bind: %v", e)
	}
}

// Misuse of links, partitions and rules panics with a message that says what to do.
func TestBadLinks(t *testing.T) {
	w, other := sim.New(1, sim.Options{}), sim.New(1, sim.Options{})
	defer w.Close()
	defer other.Close()
	a, b, foreign := w.Host("10.0.0.1"), w.Host("10.0.0.2"), other.Host("10.0.0.3")
	for want, f := range map[string]func(){
		"not in this world":          func() { w.Link(a, foreign) },
		"loopback has no properties": func() { w.Link(a, a) },
		"Partition: host 10.0.0.3":   func() { w.Partition([]*sim.Host{a}, []*sim.Host{foreign}) },
		"latency -1ns":               func() { w.Link(a, b).SetLatency(-1, 0) },
		"jitter 2h0m0s":              func() { w.Link(a, b).SetLatency(0, 2*time.Hour) },
		"chance 1000001":             func() { w.Link(a, b).SetLoss(sim.Always + 1) },
		"bandwidth -1":               func() { w.Link(a, b).SetBandwidth(-1) },
		"MTU 32769":                  func() { w.Link(a, b).SetMTU(32769) },
		"two groups or more":         func() { w.Partition([]*sim.Host{a}) },
		"in one group only":          func() { w.Partition([]*sim.Host{a}, []*sim.Host{a, b}) },
		"Swizzle: host 10.0.0.3":     func() { w.Swizzle(time.Second, a, foreign) },
		"Isolate: host nil":          func() { w.Isolate(nil) },
		"Packets: host 10.0.0.3": func() {
			a.InjectPacket(sim.PacketInjection{To: foreign, Nth: 1, Kind: sim.Lost})
		},
		"Link or Cut of host 10.0.0.1 with itself": func() { w.Cut(a, a) },
		"Link: host 10.0.0.3 is not in this world": func() { w.CutOneWay(a, foreign) },
		"AddRule of a nil function":                func() { w.AddRule(nil) },
		"segment 40000":                            func() { sim.New(1, sim.Options{Segment: 40000}) },
		"SetLatency(-1ns)":                         func() { a.SetLatency(-1) },
	} {
		if v := panicked(f); !strings.Contains(v, want) {
			t.Errorf("panic %q, want one that says %q", v, want)
		}
	}
}
