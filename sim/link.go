package sim

import (
	"fmt"
	"slices"
	"time"
)

// A Link is one direction between two hosts. A value that is not set here is that of the hosts or
// of the World.
type Link struct{ from, to *Host }

// A way is the state of one direction between two hosts: the number of packets so far, their
// jitter, and the values that Link has set.
type way struct {
	packets   int
	named     int // how many cuts there were so far
	cut       int // how many cuts are not healed
	jitter    Rand
	fixed     bool // latency and spread are set
	latency   time.Duration
	spread    time.Duration
	loss      Chance
	bandwidth int64
	busyAt    int64
	mtu       int
}

// way returns the state of the direction to another host. The pointer is valid until the next call
// of way.
func (h *Host) way(to *Host) *way {
	for i := len(h.ways); i <= to.index; i++ {
		h.ways = append(h.ways, way{jitter: Rand{scramble(h.stream(jitterStream).state + uint64(i))}})
	}
	return &h.ways[to.index]
}

// Link returns the direction from one host to another.
func (w *World) Link(from, to *Host) *Link {
	w.belong("Link", from, to)
	if from == to {
		panic(fmt.Sprintf("sim: Link or Cut of host %s with itself: its loopback has no properties", from.name))
	}
	return &Link{from, to}
}

// belong panics if one of the hosts is in another world.
func (w *World) belong(what string, hosts ...*Host) {
	for _, h := range hosts {
		if h == nil || h.w != w {
			panic(fmt.Sprintf("sim: %s: host %v is not in this world; World.Host makes hosts", what, h))
		}
	}
}

func (l *Link) String() string { return l.from.name + " → " + l.to.name }

// SetLatency sets the time that a packet takes, and the maximum of the random time that is added to
// it. For packets that are sent from now on, these values replace Options.Latency, Options.Jitter
// and Host.SetLatency.
func (l *Link) SetLatency(latency, jitter time.Duration) *Link {
	if latency < 0 || latency > longest || jitter < 0 || jitter > longest {
		panic(fmt.Sprintf("sim: link %v: latency %v, jitter %v: must be 0 … %v", l, latency, jitter, longest))
	}
	v := l.from.way(l.to)
	v.fixed, v.latency, v.spread = true, latency, jitter
	return l
}

// SetLoss sets the chance that a packet is lost. If Faults.Loss is larger, Faults.Loss applies.
func (l *Link) SetLoss(p Chance) *Link {
	if p < 0 || p > Always {
		panic(fmt.Sprintf("sim: link %v: chance %d: must be 0 … %d", l, p, Always))
	}
	l.from.way(l.to).loss = p
	return l
}

// SetBandwidth sets how many bytes pass in a second, for all connections and datagrams together. 0
// means no limit.
func (l *Link) SetBandwidth(bytesPerSecond int64) *Link {
	if bytesPerSecond < 0 {
		panic(fmt.Sprintf("sim: link %v: bandwidth %d: must be 0 (no limit) or more bytes per second", l, bytesPerSecond))
	}
	l.from.way(l.to).bandwidth = bytesPerSecond
	return l
}

// SetMTU sets how many bytes of a stream arrive at most at once: 1 … 32 KiB. 0 means
// Options.Segment. Datagrams are not affected, because a program cannot notice their fragments.
func (l *Link) SetMTU(n int) *Link {
	if n < 0 || n > segment {
		panic(fmt.Sprintf("sim: link %v: MTU %d: must be 0 … %d bytes", l, n, segment))
	}
	l.from.way(l.to).mtu = n
	return l
}

// Cut stops all packets in this direction until Heal of the returned Cut, or World.Heal.
func (l *Link) Cut() *Cut {
	c := &Cut{w: l.from.w}
	c.add(l.from, l.to)
	return c
}

// A Cut stops packets. A direction stays cut until all Cuts of this direction are healed.
type Cut struct {
	w    *World
	ways [][2]*Host
}

// add cuts one direction.
func (c *Cut) add(from, to *Host) {
	w, v := c.w, from.way(to)
	if v.named++; !w.does(Fault{Kind: CutOff, Host: from.name, To: to.name, Nth: v.named}) {
		return
	}
	w.trace.note(w, "cut "+from.name+" → "+to.name)
	v.cut++
	if len(c.ways) == 0 {
		w.cuts = append(w.cuts, c)
	}
	c.ways = append(c.ways, [2]*Host{from, to})
	w.lonely()
}

// Heal ends this Cut. Other Cuts of the same directions remain. A second call does nothing.
func (c *Cut) Heal() {
	if len(c.ways) == 0 {
		return
	}
	for _, d := range c.ways {
		c.w.trace.note(c.w, "heal "+d[0].name+" → "+d[1].name)
		d[0].way(d[1]).cut--
	}
	c.ways = nil
	c.w.cuts = slices.DeleteFunc(c.w.cuts, func(o *Cut) bool { return o == c })
}

// Partition cuts every host of a group off from the hosts of the other groups, in both directions,
// until Heal of the returned Cut. Hosts that are in no group reach every host.
func (w *World) Partition(groups ...[]*Host) *Cut {
	if len(groups) < 2 {
		panic("sim: Partition: must have two groups or more")
	}
	c := &Cut{w: w}
	seen := map[*Host]bool{}
	for _, g := range groups {
		w.belong("Partition", g...)
		for _, h := range g {
			if seen[h] {
				panic(fmt.Sprintf("sim: Partition: host %v must be in one group only", h))
			}
			seen[h] = true
		}
	}
	for i, g := range groups {
		for _, other := range groups[i+1:] {
			for _, a := range g {
				for _, b := range other {
					c.add(a, b)
					c.add(b, a)
				}
			}
		}
	}
	return c
}

// Cut stops all packets between two hosts, in both directions, until Heal. Connections stay open,
// and TCP continues to send its data again. To heal cuts one by one, use Link or Partition.
func (w *World) Cut(a, b *Host) {
	w.CutOneWay(a, b)
	w.CutOneWay(b, a)
}

// CutOneWay stops the packets from one host to another. It does nothing if this direction is
// already cut.
func (w *World) CutOneWay(from, to *Host) {
	if l := w.Link(from, to); from.way(to).cut == 0 {
		l.Cut()
	}
}

// Isolate cuts a host off from all others.
func (w *World) Isolate(h *Host) {
	w.belong("Isolate", h)
	for _, other := range w.hosts {
		if other != h {
			w.Cut(h, other)
		}
	}
}

// Heal ends all cuts and Swizzles.
func (w *World) Heal() {
	w.unclog()
	if len(w.cuts) > 0 {
		w.trace.note(w, "heal")
	}
	for _, c := range w.cuts {
		for _, d := range c.ways {
			d[0].way(d[1]).cut--
		}
		c.ways = nil
	}
	w.cuts = nil
}

// latency returns how long one packet takes, with jitter.
func (w *World) latency(from, to *Host) int64 {
	if from == to {
		return loopLatency
	}
	v := from.way(to)
	jitter := &v.jitter
	if w.live != nil {
		jitter = w.live.chance(from, to, 0)
	}
	if v.fixed {
		return int64(v.latency) + jitter.N(int64(v.spread)+1)
	}
	d := w.opt.Latency
	if m := max(from.fixed, to.fixed); m > 0 {
		d = m
	}
	return int64(d) + jitter.N(int64(w.opt.Jitter)+1)
}

// queued returns when the last of n bytes leaves for the other host. The bytes that the Link still
// has to send leave before.
func (w *World) queued(from, to *Host, n int) int64 {
	v := from.way(to)
	if v.bandwidth == 0 || from == to {
		return w.now
	}
	v.busyAt = max(v.busyAt, w.now) + int64(n)*1e9/v.bandwidth
	return v.busyAt
}
