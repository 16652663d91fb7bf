package sim_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A rule selects packets by their kind and content. It loses, doubles, resets or delays exactly
// these packets. Each such act is a fault: World.Faults lists it, and a run without it succeeds.
func TestRulesChoosePackets(t *testing.T) {
	var kinds []string
	run := func(opt sim.Options, fate sim.Fate) (w *sim.World, got int, e kernel.Errno) {
		kinds = nil
		w = sim.New(2, opt)
		a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		r := w.AddRule(func(p sim.Packet) sim.Fate {
			kinds = append(kinds, p.Kind.String())
			if p.Kind == sim.PacketData && bytes.Equal(p.Data, []byte("two")) && p.Source.Port() >= 32768 && p.Destination == addr("10.0.0.2:80") {
				return fate
			}
			return sim.Fate{}
		})
		fa, fb := pairUp(t, w, a, b, 80)
		for _, text := range []string{"one", "two", "three"} {
			a.Send(fa, []byte(text), 0)
			must(t, w.Run(50*time.Millisecond))
		}
		a.Close(fa)
		got = b.Waiting(fb) / 2
		must(t, w.Run(time.Minute))
		r.Remove()
		return w, got, kernel.Errno(second2(b.GetOpt(fb, kernel.SOL_SOCKET, kernel.SO_ERROR)))
	}
	for name, c := range map[string]struct {
		fate sim.Fate
		got  int
		e    kernel.Errno
	}{
		"pass":  {sim.Fate{}, 11, 0},
		"lose":  {sim.Fate{Lose: true}, 3, 0},
		"late":  {sim.Fate{Delay: time.Second}, 3, 0},
		"reset": {sim.Fate{Reset: true}, 3, kernel.ECONNRESET},
	} {
		w, got, e := run(sim.Options{}, c.fate)
		if got != c.got || e != c.e || w.Injected() != min(1, uint64(11-c.got)) {
			t.Errorf("%s: %d bytes, %v, faults %v", name, got, e, w.Faults())
		}
		if c.got == 11 && strings.Join(kinds, " ") != "SYN SYN-ACK data data data FIN" {
			t.Errorf("the packets are %v", kinds)
		}
		w.Close()
		if w, got, e = run(sim.Options{Faulty: []sim.Fault{}}, c.fate); got != 11 || e != 0 {
			t.Errorf("%s, left out: %d bytes, %v", name, got, e)
		}
		w.Close()
	}
}

// If several rules return a fate for a packet, the first one applies. A rule gets two numbers of
// each packet: its number in its direction, and its number among all packets of its sender.
func TestTheFirstRuleWithAFateDecides(t *testing.T) {
	w := sim.New(2, sim.Options{})
	defer w.Close()
	a, b, c := w.Host("10.0.0.1"), w.Host("10.0.0.2"), w.Host("10.0.0.3")
	var nth []string
	w.AddRule(func(p sim.Packet) sim.Fate {
		nth = append(nth, fmt.Sprint(p.Nth, "/", p.SourceNth))
		return sim.Fate{}
	})
	w.AddRule(func(sim.Packet) sim.Fate { return sim.Fate{Double: true} })
	w.AddRule(func(sim.Packet) sim.Fate { return sim.Fate{Lose: true} })
	out, _ := a.Socket(2, 2, 0)
	for _, h := range []*sim.Host{b, c, b} {
		in, _ := h.Socket(2, 2, 0)
		at := reactor.AddrFrom(addr(h.Name() + ":9"))
		h.Bind(in, at)
		a.SendTo(out, []byte("x"), 0, at)
		must(t, w.Run(time.Second))
		p := make([]byte, 9)
		for i := range 2 {
			if n, _, e := h.RecvFrom(in, p, 0); n != 1 || e != 0 {
				t.Errorf("datagram %d: %d, %v", i, n, e)
			}
		}
		h.Close(in)
	}
	if got := strings.Join(nth, " "); got != "1/1 1/2 2/3" {
		t.Errorf("the packets are %s", got)
	}
}
