package sim

import (
	"fmt"
	"time"
)

// A PacketInjection is a fault at some packets. A SYN, a SYN-ACK, a FIN, a datagram, and each part
// of a stream (at most 32 KiB) are packets. Acknowledgements are not.
type PacketInjection struct {
	To    *Host         // the receiver; nil means any host
	Nth   int           // which packet from now on; 1 is the next one
	Kind  Kind          // Lost, Doubled, Late or Reset
	Delay time.Duration // for Late
	Count int           // how many packets in a row; 0 means one
}

type plannedPacket struct {
	from, to int // numbers of the host's packets
	PacketInjection
}

// InjectPacket makes a fault happen to the nth packet that the host sends from now on.
func (h *Host) InjectPacket(f PacketInjection) {
	if f.Nth < 1 || f.Count < 0 || f.Kind < Lost || f.Kind > Reset || (f.Kind == Late) != (f.Delay > 0) || f.Delay > longest {
		panic(fmt.Sprintf("sim: InjectPacket(%+v): must have Nth of 1 or more, Lost, Doubled, Late or Reset, and a Delay up to 1h if Late", f))
	}
	n := h.Packets(f.To)
	h.packetPlan = append(h.packetPlan, plannedPacket{n + f.Nth, n + f.Nth + max(f.Count, 1), f})
}

// Packets returns how many packets the host has sent to another host so far, or to all hosts if to
// is nil.
func (h *Host) Packets(to *Host) int {
	if to == nil {
		return h.packets
	}
	h.w.belong("Packets", to)
	return h.way(to).packets
}

// A fate describes what happens to a packet.
type fate struct {
	lost, doubled, reset bool
	late                 int64
}

// fate decides what happens to the next packet from one host to another. odds are the random
// chances. s describes the packet for rules.
func (h *Host) fate(to *Host, odds packetOdds, s packeter, what uint8, n int) (f fate) {
	v := h.way(to)
	v.packets++
	h.packets++
	nth, of := v.packets, 0
	if l := h.w.live; l != nil {
		of = int(s.source().Port())
		nth = l.nthNow(occasion{from: h, to: to, of: of})
	}
	if h.packetPlan != nil {
		h.plannedFate(to, nth, &f)
	}
	if h.w.rules != nil && f == (fate{}) {
		f = h.ruled(to, nth, s, what, n)
		v = h.way(to) // a rule may have moved the list
	}
	loss := max(h.odds.Loss, v.loss)
	if !h.hazard && loss == 0 || f != (fate{}) {
		return f
	}
	r := h.dice(Lost, 0, to, nth, of)
	strikes := func(k Kind, p Chance) (Fault, bool) {
		f := Fault{Kind: k, Host: h.name, To: to.name, Of: of, Nth: nth}
		if k == Late {
			f.Delay = time.Duration(1 + r.N(max(odds.slow, 1)))
		}
		return f, h.w.happens(&f, r.Chance(p), true)
	}
	if _, f.lost = strikes(Lost, loss); f.lost {
		return f
	}
	_, f.reset = strikes(Reset, odds.reset)
	_, f.doubled = strikes(Doubled, odds.doubled)
	if late, ok := strikes(Late, odds.late); ok {
		f.late = int64(late.Delay)
	}
	return f
}

// packetOdds contains the chances for one kind of packet. slow is the most by which it can be late.
type packetOdds struct {
	reset, doubled, late Chance
	slow                 int64
}

// plannedFate stores in f what InjectPacket has planned for the packet.
func (h *Host) plannedFate(to *Host, nth int, f *fate) {
	left := h.packetPlan[:0]
	for _, p := range h.packetPlan {
		n := h.Packets(p.To)
		if (p.To == nil || p.To == to) && n >= p.from && n < p.to && h.w.does(Fault{Kind: p.Kind, Host: h.name, To: to.name, Nth: nth, Delay: p.Delay}) {
			switch p.Kind {
			case Lost:
				f.lost = true
			case Doubled:
				f.doubled = true
			case Reset:
				f.reset = true
			case Late:
				f.late += int64(p.Delay)
			}
		}
		if n+1 < p.to {
			left = append(left, p)
		}
	}
	if h.packetPlan = left; len(left) == 0 {
		h.packetPlan = nil
	}
}

// Reset resets the host's connections with this local port, or all of them for port 0. Both ends of
// each connection are notified at once, as if a firewall between them had sent the resets. Reset
// returns how many connections it has reset. It does not reset connections that a program has
// closed and that still deliver output.
func (h *Host) Reset(port uint16) (n int) {
	var found []*tcp
	for _, f := range h.files {
		s, ok := f.(*tcp)
		if !ok {
			continue
		}
		for _, c := range append([]*tcp{s}, s.queue...) {
			if c.phase == up && c.peer != nil && (port == 0 || c.local.Port() == port) {
				found = append(found, c)
			}
		}
	}
	for _, s := range found {
		s.wasReset()
		s.peer.wasReset()
	}
	if len(found) > 0 {
		h.w.trace.note(h.w, fmt.Sprintf("reset %d connections of %s", len(found), h.name))
	}
	return len(found)
}

// SetLatency replaces Options.Latency and Options.Jitter for packets that are sent from now on.
func (w *World) SetLatency(latency, jitter time.Duration) {
	o := w.opt
	o.Latency, o.Jitter = latency, jitter
	o.check()
	w.opt = o
}

// SetBandwidth replaces Options.Bandwidth for packets that are sent from now on.
func (w *World) SetBandwidth(bytesPerSecond int64) {
	o := w.opt
	o.Bandwidth = bytesPerSecond
	o.check()
	w.opt = o
}
