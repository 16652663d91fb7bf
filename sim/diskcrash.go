package sim

import (
	"maps"
	"slices"
	"time"
)

// An inode is a file without its name.
type inode struct {
	d       *Disk
	data    []byte  // as programs see it
	synced  []byte  // as a crash leaves it, except for the pending writes
	pending []write // writes that are not synced; the oldest is first
	made    time.Time
}

// A write is one change of the contents.
type write struct {
	off    int64
	data   []byte
	size   int // of the file, afterwards
	nth    int // the number of the write on its disk
	doomed bool
}

func (n *inode) info(name string) info {
	return info{name: name, size: int64(len(n.data)), at: n.made}
}

func (n *inode) write(off int64, p []byte, size int) {
	d := n.d
	d.writes++
	w := write{off: off, data: append([]byte(nil), p...), size: size, nth: d.writes}
	n.pending = append(n.pending, w)
	n.data = w.apply(n.data, nil)
	n.made = Date.Add(d.h.w.Now() + d.h.stepped)
}

// sector is the unit that a disk writes as a whole, in bytes.
const sector = 512

// apply returns the contents after the write, or after a part of it: keeps decides about each
// sector.
func (w *write) apply(to []byte, keeps func() bool) []byte {
	if more := w.size - len(to); more > 0 {
		to = append(to, make([]byte, more)...)
	} else {
		to = to[:w.size]
	}
	for from := int64(0); from < int64(len(w.data)); {
		end := min(((w.off+from)/sector+1)*sector-w.off, int64(len(w.data)))
		if keeps == nil || keeps() {
			copy(to[w.off+from:], w.data[from:end])
		}
		from = end
	}
	return to
}

// sync makes the pending writes durable, except for those that an earlier Sync has lost.
func (n *inode) sync() {
	var left []write
	for _, w := range n.pending {
		if w.doomed {
			left = append(left, w)
		} else {
			n.synced = w.apply(n.synced, nil)
		}
	}
	n.pending = left
}

// doom marks the pending writes as lost after a failed Sync. Programs can still read them until a
// crash.
func (n *inode) doom() {
	for i := range n.pending {
		n.pending[i].doomed = true
	}
}

// crash does to the disk what a power cut does.
func (d *Disk) crash() {
	for i, r := range d.log {
		if d.fate(r.nth, LostWrite, Always/3) != nil {
			d.log = d.log[:i] // changes of names survive in their order
			break
		}
		apply(d.synced, r.from, r.to, r.node)
	}
	d.log = nil
	d.names = map[string]*inode{}
	for _, name := range slices.Sorted(maps.Keys(d.synced)) {
		n := d.synced[name]
		n.survive()
		d.names[name] = n
	}
}

// survive decides about the pending writes of a file.
func (n *inode) survive() {
	for _, w := range n.pending {
		switch {
		case w.doomed, n.d.fate(w.nth, LostWrite, Always/3) != nil:
		default:
			var keeps func() bool
			if torn := n.d.fate(w.nth, TornWrite, Always/3); torn != nil && len(w.data) > 0 {
				keeps = func() bool { return torn.roll.Chance(Always / 2) }
			}
			n.synced = w.apply(n.synced, keeps)
		}
	}
	n.pending = nil
	n.data = append([]byte(nil), n.synced...)
}

// fate returns the fault of a write, nil if it has none.
func (d *Disk) fate(nth int, k Kind, p Chance) *Fault {
	r := d.h.dice(k, 0, nil, nth, 0)
	f := Fault{Kind: k, Host: d.h.name, Nth: nth}
	chosen := r.Chance(p)
	f.roll = r
	if !d.h.w.happens(&f, chosen, true) {
		return nil
	}
	return &f
}
