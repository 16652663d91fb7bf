package sim

import (
	"maps"
	"slices"
	"time"
)

// An inode is the content of a file. Its names are in the Disk.
type inode struct {
	d       *Disk
	data    []byte  // the content that programs see
	synced  []byte  // the content after a crash, without the pending writes
	pending []write // writes that are not synced; the oldest one is first
	made    time.Time
}

// A write is one change of a file's content.
type write struct {
	off    int64
	data   []byte
	size   int // of the file, after the write
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

// sector is the number of bytes that a disk writes as a whole.
const sector = 512

// apply returns the content after the write. If keeps is not nil, it decides for each sector
// whether the sector is written.
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

// sync makes the pending writes durable, except for those that a failed Sync has marked as lost.
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

// doom marks the pending writes as lost, after a failed Sync. Programs can still read their data
// until a crash.
func (n *inode) doom() {
	for i := range n.pending {
		n.pending[i].doomed = true
	}
}

// crash changes the disk as a power cut does.
func (d *Disk) crash() {
	for i, r := range d.log {
		if d.fate(r.nth, LostWrite, Always/3) != nil {
			d.log = d.log[:i] // a change survives only if all earlier ones do
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

// survive decides which pending writes of a file survive a crash.
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

// fate returns the fault of a write, or nil if it has none.
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
