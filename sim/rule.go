package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A PacketKind is the kind of a packet.
type PacketKind uint8

const (
	PacketSYN PacketKind = iota
	PacketSYNACK
	PacketData // a part of a stream
	PacketFIN
	PacketDatagram
	packetKinds
)

func (k PacketKind) String() string {
	if k >= packetKinds {
		return fmt.Sprintf("packet kind %d", uint8(k))
	}
	return [packetKinds]string{"SYN", "SYN-ACK", "data", "FIN", "datagram"}[k]
}

// A Packet is a packet from one host to another. Acknowledgements and resets are not Packets.
type Packet struct {
	Kind        PacketKind
	From, To    *Host
	Source      netip.AddrPort
	Destination netip.AddrPort
	Data        []byte // for PacketData and PacketDatagram; a rule must not keep or change it
	Nth         int    // its number in its direction between the hosts
	SourceNth   int    // its number among all packets of From
}

// A Fate is what a rule does to a packet. The zero Fate lets the packet pass.
type Fate struct {
	Lose   bool
	Double bool          // datagrams only
	Reset  bool          // resets the packet's connection
	Delay  time.Duration // makes the packet late, and with TCP all later ones; at most 1h
}

// A Rule decides about packets, during the call that sends them. World.Faults lists the faults that
// the rule makes, and Shrink removes those that are not needed.
type Rule struct {
	w *World
	f func(p Packet) Fate
}

// AddRule makes f decide about every packet from now on, before chance does. If there are several
// rules, the first one whose Fate is not zero decides. f must not call the kernel.
func (w *World) AddRule(f func(p Packet) Fate) *Rule {
	if f == nil {
		panic("sim: AddRule of a nil function")
	}
	r := &Rule{w, f}
	w.rules = append(w.rules, r)
	return r
}

// Remove ends the rule.
func (r *Rule) Remove() {
	r.w.rules = slices.DeleteFunc(r.w.rules, func(o *Rule) bool { return o == r })
}

// A packeter is a socket that can describe its packets.
type packeter interface {
	packet(what uint8, n int) Packet
	source() netip.AddrPort
}

// ruled returns what the rules do to a packet.
func (h *Host) ruled(to *Host, nth int, s packeter, what uint8, n int) (f fate) {
	p := s.packet(what, n)
	p.From, p.To, p.Nth, p.SourceNth = h, to, nth, h.packets
	for _, r := range h.w.rules {
		d := r.f(p)
		if d.Delay < 0 || d.Delay > longest {
			panic(fmt.Sprintf("sim: a rule delays a packet by %v: must be 0 … %v", d.Delay, longest))
		}
		if d == (Fate{}) {
			continue
		}
		does := func(k Kind, yes bool) bool {
			return yes && h.w.does(Fault{Kind: k, Host: h.name, To: to.name, Nth: nth, Delay: d.Delay})
		}
		f.lost, f.doubled, f.reset = does(Lost, d.Lose), does(Doubled, d.Double), does(Reset, d.Reset)
		if does(Late, d.Delay > 0) {
			f.late = int64(d.Delay)
		}
		return f
	}
	return f
}

func (s *tcp) source() netip.AddrPort { return s.local }

// packet describes a packet that the socket is about to send.
func (s *tcp) packet(what uint8, n int) Packet {
	p := Packet{Kind: PacketData, Source: s.local, Destination: s.remote}
	switch what {
	case actSYN:
		p.Kind = PacketSYN
	case actSYNACK:
		p.Kind = PacketSYNACK
	case actFIN:
		p.Kind = PacketFIN
	default:
		p.Data = s.out.at(int(s.sent-s.acked)-n, n)
	}
	return p
}

// A flying is a datagram in the form in which rules get it.
type flying struct {
	from, to netip.AddrPort
	data     []byte
}

func (g flying) source() netip.AddrPort { return g.from }

func (g flying) packet(uint8, int) Packet {
	return Packet{Kind: PacketDatagram, Source: g.from, Destination: g.to, Data: g.data}
}
