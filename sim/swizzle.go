package sim

import "time"

// Swizzle clogs hosts one after the other and unclogs them in another order. A clogged host loses
// its input, its output, or both. The seed decides the order and the times, and which of the hosts
// are clogged. If no hosts are given, it selects among all. After d, or after Heal, all packets
// pass again. Packets from a host to itself always pass. TCP sends its data again, but datagrams
// are lost.
func (w *World) Swizzle(d time.Duration, hosts ...*Host) {
	if d <= 0 || d > longest {
		panic("sim: Swizzle: must take more than 0 and at most 1h")
	}
	w.belong("Swizzle", hosts...)
	if len(hosts) == 0 {
		hosts = w.hosts
	}
	w.swizzles++
	r := &Rand{scramble(w.key + w.swizzles)}
	some := append([]*Host(nil), hosts...)
	shuffle(r, some)
	some = some[:min(1+r.Int(len(some)+1), len(some))]
	clogs := make([]*clog, len(some))
	slot := int64(d) / 2 / int64(len(some))
	in := func(i int) time.Duration { return time.Duration(int64(i)*slot + r.N(max(slot, 1))) }
	for i, h := range some {
		ways := [][2]int{{1, 0}, {0, 1}, {1, 1}}[r.Int(3)]
		clogs[i] = &clog{h, ways, false}
		w.At(in(i), clogs[i].begin)
	}
	w.clogs = append(w.clogs, clogs...)
	shuffle(r, clogs)
	for i, c := range clogs {
		w.At(d/2+in(i), c.end)
	}
}

// A clog is what one Swizzle does to one host.
type clog struct {
	h    *Host
	ways [2]int // in, out
	on   bool
}

func (c *clog) begin() {
	w, h := c.h.w, c.h
	if !w.plansClog(c) {
		return
	}
	if h.clogs++; w.does(Fault{Kind: Clogged, Host: h.name, Nth: h.clogs}) {
		c.turn(true, "clog ")
	}
}

func (c *clog) end() {
	c.h.w.forgetClog(c)
	if c.on {
		c.turn(false, "unclog ")
	}
}

func (c *clog) turn(on bool, what string) {
	c.on = on
	by := 2*one(on) - 1
	c.h.clogged[0] += by * c.ways[0]
	c.h.clogged[1] += by * c.ways[1]
	c.h.w.lonely()
	c.h.w.trace.note(c.h.w, what+c.h.name+[...]string{"", ", in", ", out", ""}[c.ways[0]+2*c.ways[1]])
}

func (w *World) plansClog(c *clog) bool {
	for _, x := range w.clogs {
		if x == c {
			return true
		}
	}
	return false
}

func (w *World) forgetClog(c *clog) {
	for i, x := range w.clogs {
		if x == c {
			w.clogs = append(w.clogs[:i], w.clogs[i+1:]...)
			return
		}
	}
}

// unclog ends all Swizzles.
func (w *World) unclog() {
	for len(w.clogs) > 0 {
		w.clogs[len(w.clogs)-1].end()
	}
}

func shuffle[T any](r *Rand, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := r.Int(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}
