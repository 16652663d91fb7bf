package sim

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A trace contains the history: a hash of all steps, and the last steps as records. The hash covers
// calls, the data that they send, and their results. It covers no numbers that differ between
// systems.
type trace struct {
	hash   uint64
	sealed bool // the world is closing, which is not recorded
	keep   int  // how many records to store; -1 means all
	only   Only // which records to store
	first  int  // if not 0, store only so many records from the beginning
	list   []record
	at     int    // the oldest record of a full ring
	added  int    // how many records there were so far
	said   string // the beginning of the data of the current call
	args   string // the arguments of the current call, without the descriptor
}

// A record is one line of the trace.
type record struct {
	step uint64
	at   int64
	host *Host
	c    Call
	fd   int
	res  int
	e    Errno
	text string // for calls: the beginning of the data
	args string // for calls: the arguments without the descriptor
	to   *Host  // for a packet: the receiver; the sender is host
	kind uint8
	sent int64 // for a packet: when it was sent
	hash uint64
	seq  int // how many records were before it
}

// These are the kinds of records.
const (
	isCall uint8 = iota
	isPacket
	isFault // a fault at host, or of a packet from host to `to`
	isWorld
	isLog // a log line of host
	recordKinds
)

// packet records the arrival of a packet. It does not change the hash, which covers the packet's
// effects on later calls.
func (w *World) packet(from, to *Host, what string, n int) {
	t := &w.trace
	if t.keep == 0 || t.sealed || from == nil || to == nil {
		return
	}
	if n > 0 {
		what = fmt.Sprintf("%d %s", n, what)
	}
	sent := w.made
	if what == "SYN" { // a repeated SYN is planned when the previous one is lost
		sent = max(sent, w.now-int64(w.opt.Latency+w.opt.Jitter))
	}
	t.add(record{step: w.step, at: w.now, host: from, to: to, kind: isPacket, text: what, sent: sent})
}

func (t *trace) begin(w *World) {
	t.keep, t.only = w.opt.Trace, w.opt.Only
	t.hash = 14695981039346656037
	t.mix(w.seed)
}

func (t *trace) mix(v uint64) {
	t.hash = (t.hash ^ v) * 1099511628211
	t.hash ^= t.hash >> 29
}

func (t *trace) add(r record) {
	if !t.only.has(&r) {
		return
	}
	r.hash, r.seq = t.hash, t.added
	t.added++
	switch {
	case t.first > 0 && len(t.list) == t.first:
	case t.keep < 0 || len(t.list) < t.keep:
		t.list = append(t.list, r)
	case t.keep > 0:
		t.list[t.at] = r
		t.at = (t.at + 1) % t.keep
	}
}

// note records one call and its result.
func (h *Host) note(c Call, fd, res int, e Errno) {
	w := h.w
	t := &w.trace
	if t.sealed {
		return
	}
	t.mix(uint64(w.now))
	t.mix(uint64(c)<<48 | uint64(uint8(errnoCode(e)))<<40 | uint64(uint32(fd)))
	t.mix(uint64(h.index)<<40 ^ uint64(int64(res)))
	if w.observe != nil {
		w.observe(h, c, fd, res, e, true)
	}
	if t.keep != 0 {
		t.add(record{step: w.step, at: w.now, host: h, c: c, fd: fd, res: res, e: e, text: t.said, args: t.args})
		t.said, t.args = "", ""
	}
}

// sends adds the data that a program sends to the history.
func (h *Host) sends(p []byte) {
	t := &h.w.trace
	if t.sealed {
		return
	}
	if !h.w.opt.SizesOnly {
		t.mixBytes(p)
	}
	h.moves(p)
}

// moves stores the beginning of the data for the record of the call.
func (h *Host) moves(p []byte) {
	if t := &h.w.trace; t.keep != 0 && !t.sealed && len(p) > 0 && t.said == "" {
		t.said = preview(p)
	}
}

// between stores the addresses of a connection for the record of the first call on it.
func (h *Host) between(s *tcp) {
	if t := &h.w.trace; t.keep != 0 && !t.sealed {
		t.said = s.local.String() + " → " + s.remote.String()
	}
}

// short stores how much a program wanted to send, if the call has sent less.
func (h *Host) short(n, all int) {
	if t := &h.w.trace; n > 0 && n < all && t.keep != 0 && !t.sealed {
		t.said = fmt.Sprintf("of %d %s", all, t.said)
	}
}

func (t *trace) mixBytes(p []byte) {
	for ; len(p) >= 8; p = p[8:] {
		t.mix(binary.LittleEndian.Uint64(p))
	}
	last := uint64(len(p)) << 56
	for i, b := range p {
		last |= uint64(b) << (8 * i)
	}
	t.mix(last)
}

// mixText adds a name to the history.
func (h *Host) mixText(s string) {
	if t := &h.w.trace; !t.sealed {
		for i := range len(s) {
			t.mix(uint64(s[i]))
		}
	}
}

// mixAddr adds an address to the history. (Its port is already there, as the result of the call.)
func (h *Host) mixAddr(a *Addr) {
	if t := &h.w.trace; a.Family != 0 && !t.sealed {
		t.mix(binary.LittleEndian.Uint64(a.IP[:]))
		t.mix(binary.LittleEndian.Uint64(a.IP[8:]) + uint64(a.Scope))
		h.mixText(a.Path)
	}
}

// amend adds a text to the last record. The text is not a part of the history.
func (t *trace) amend(more string) {
	if more == "" || len(t.list) == 0 {
		return
	}
	last := len(t.list) - 1
	if t.at > 0 {
		last = t.at - 1
	}
	t.list[last].text += "\n" + more
}

// note records an event of the world.
func (t *trace) note(w *World, text string) {
	if t.sealed {
		return
	}
	w.owned(act(text), nil)
	for i := range len(text) {
		t.mix(uint64(text[i]))
	}
	if t.keep != 0 {
		t.add(record{step: w.step, at: w.now, kind: isWorld, text: text})
	}
}

// Note adds a line of the program or test to the trace.
func (w *World) Note(format string, args ...any) { w.trace.note(w, fmt.Sprintf(format, args...)) }

// Hash returns the hash of the history so far. The same seed gives the same hash, on every machine.
func (w *World) Hash() uint64 { return w.trace.hash }

// WriteTrace writes the steps that Options.Trace has stored, the oldest one first.
func (w *World) WriteTrace(to io.Writer) error {
	for _, r := range w.trace.all() {
		if _, err := fmt.Fprintln(to, r); err != nil {
			return err
		}
	}
	return nil
}

func (t *trace) all() []record { return append(t.list[t.at:len(t.list):len(t.list)], t.list[:t.at]...) }

// KeepLast drops all steps of the trace except the last n. -1 drops none.
func (w *World) KeepLast(n int) {
	if n < -1 {
		panic(fmt.Sprintf("sim: KeepLast(%d): must be -1 (all) or more", n))
	}
	t := &w.trace
	if all := t.all(); n >= 0 && len(all) > n {
		t.list, t.at = all[len(all)-n:], 0
	}
}
