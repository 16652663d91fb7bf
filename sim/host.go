package sim

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// firstFile is a host's lowest descriptor. A process usually has only descriptors below it, so a
// simulated number cannot be taken for a real one. After a restart of a host the numbers continue,
// because old programs may still use theirs.
const firstFile = 1000

// A Host is one machine of a World, and the Kernel of the programs that run on it.
type Host struct {
	w      *World
	name   string // its first address
	index  int
	ips    []netip.Addr
	boots  []*proc // the programs of Boot
	procs  []*proc // the programs since the last start
	down   bool
	shared bool // programs with parts have run: see yields
	life   int  // how often the host has started

	files []file       // by descriptor - base
	base  atomic.Int64 // atomic: see Close
	open  int
	room  int // no number below files[room] is free
	limit int

	disk *Disk
	// Bound names; a nil value means that only the file is left. Never iterated.
	paths    map[string]*unixSocket
	ids      map[string]uint64 // the files' numbers
	made     uint64            // how many files were made
	autobind int
	ports    ports
	groups   []membership

	drift  Chance // how much slower or faster its clock runs, in millionths
	since  int64  // when that began, in the world's time
	began  int64  // and in the host's time
	odds   Faults
	hazard bool // odds has a chance above 0
	plan   [callCount][]planned

	refused   [callCount]Errno // see Refuse
	during    []moment         // see During
	strangers int              // see Endless

	count counts
	fixed time.Duration // latency to all others, if not 0

	turns Rand // which program runs first
	hides Rand // when an Event reports what a fault has hidden
	users Rand // for the programs

	ways       []way // by the other host's index
	packets    int   // on all ways
	packetPlan []plannedPacket
	births     int // of descriptors, while there are faults; the next five count likewise
	shakes     int
	looks      int
	crashes    int
	drifts     int
	kills      int
	pauses     int
	steps      int
	paused     int64         // until then no program runs
	stepped    time.Duration // the date is so much later
	clogs      int
	clogged    [2]int // by how many Swizzles: input, output
}

// A Host has one stream of choices for each purpose, so that a choice for one purpose does not
// change the choices for another.
const (
	portStream uint64 = iota
	turnStream
	hideStream
	userStream
	jitterStream
)

func (h *Host) stream(what uint64) Rand {
	return Rand{scramble(scramble(^h.w.key-what) + uint64(h.index))}
}

// Rand returns the source of random choices for programs on this host. They do not depend on other
// hosts. See World.Rand.
func (h *Host) Rand() *Rand {
	h.w.owned(act("Rand"), h)
	return &h.users
}

// Host makes a machine with these addresses, and with 127.0.0.1 and ::1. An address of another host
// panics.
func (w *World) Host(addrs ...string) *Host {
	if len(addrs) == 0 {
		panic("sim: Host without an address")
	}
	h := &Host{w: w, name: addrs[0], index: len(w.hosts), limit: w.opt.Files,
		paths: map[string]*unixSocket{}, ids: map[string]uint64{}, odds: w.opt.Faults, began: w.now, since: w.now}
	h.base.Store(firstFile)
	for _, a := range addrs {
		ip := mustIP("Host", a)
		switch {
		case w.byIP[ip] != nil:
			panic(fmt.Sprintf("sim: Host(%q): host %s has this address already", a, w.byIP[ip].name))
		case ip.IsLoopback() || ip.IsMulticast() || ip.IsUnspecified():
			panic(fmt.Sprintf("sim: Host(%q): must be an address that others can reach", a))
		}
		w.byIP[ip] = h
		h.ips = append(h.ips, ip)
	}
	ports := h.stream(portStream)
	h.ports.next = uint16(ephemeralFirst + ports.Int(ephemeralLast-ephemeralFirst))
	h.turns, h.hides, h.users = h.stream(turnStream), h.stream(hideStream), h.stream(userStream)
	h.SetFaults(w.opt.Faults)
	for c, e := range w.opt.Refused {
		h.refused[c] = e
	}
	w.hosts = append(w.hosts, h)
	return h
}

// os returns the system whose rules the host follows.
func (h *Host) os() Kernel { return h.w.opt.Kernel }

// Name returns the first of its addresses.
func (h *Host) Name() string { return h.name }

func (h *Host) String() string {
	if h == nil {
		return "nil"
	}
	return h.name
}

// Boot runs a program on the host, now and after every Restart. The program ends when f returns.
func (h *Host) Boot(name string, f func()) {
	if f == nil {
		panic("sim: Boot of a nil function")
	}
	p := &proc{w: h.w, host: h, name: name, f: f}
	h.boots = append(h.boots, p)
	if !h.down {
		h.start(p)
	}
}

func (h *Host) start(boot *proc) {
	p := &proc{w: h.w, host: h, name: boot.name, f: boot.f}
	h.procs = append(h.procs, p)
	p.soon(h.w.now + 1 + h.turns.N(int64(time.Millisecond)))
}

// Up returns whether the host runs, that is, has not crashed.
func (h *Host) Up() bool { return !h.down }

// Files returns how many descriptors are open: 0 when the programs have closed all.
func (h *Host) Files() int { return h.open }

// MaxFiles returns how many descriptors can be open. SetFileLimit changes it.
func (h *Host) MaxFiles() int { return h.limit }
func (h *Host) SetFileLimit(n int) {
	if n < 0 || n > filesMost {
		panic(fmt.Sprintf("sim: SetFileLimit(%d): must be 0 … %d", n, filesMost))
	}
	h.limit = n
}

// Crash stops the host, as a power cut does: it sends nothing any more, not even a reset. No code
// of its programs runs any more, neither callbacks nor deferred functions. World.Close ends the
// programs.
func (h *Host) Crash() {
	if h.down {
		return
	}
	if h.crashes++; h.w.does(Fault{Kind: Crashed, Host: h.name, Nth: h.crashes}) {
		h.crash()
	}
}

func (h *Host) crash() {
	if h.down {
		return
	}
	h.w.trace.note(h.w, "crash "+h.name)
	h.down = true
	for _, f := range h.files {
		if f != nil {
			f.vanish()
		}
	}
	h.base.Add(int64(len(h.files)))
	h.files, h.open, h.room = nil, 0, 0
	h.ports.used = [2]map[uint16]*port{}
	h.groups = nil
	for name, u := range h.paths { // in any order: no result depends on it
		if u != nil && abstract(name) {
			delete(h.paths, name)
		} else {
			h.paths[name] = nil
		}
	}
	if h.disk != nil {
		h.disk.crash()
	}
	h.w.die(h.procs...)
}

// Restart starts a crashed host: the programs of Boot run from the start. Files of Unix sockets are
// still there.
func (h *Host) Restart() {
	if !h.down {
		return
	}
	h.w.trace.note(h.w, "restart "+h.name)
	h.down = false
	h.life++
	h.procs = nil
	for _, b := range h.boots {
		h.start(b)
	}
}

// gone returns whether the calling program belongs to a host that has crashed.
func (h *Host) gone() bool {
	p := h.w.cur
	if p == nil || p.host != h {
		return h.down
	}
	if !p.dead {
		return false
	}
	if p.late++; p.late > 1_000_000 {
		panic(fmt.Sprintf("sim: program %s goes on although its host has crashed; it must end when Run returns an error", p))
	}
	return true
}

// has returns whether the address belongs to the host, loopback included.
func (h *Host) has(ip netip.Addr) bool {
	if ip.IsLoopback() { // on a BSD, lo0 has one address of each family
		return h.os() == Linux || ip.Is6() || ip == netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	for _, own := range h.ips {
		if own == ip {
			return true
		}
	}
	return false
}

// source returns the address from which the host sends to another one.
func (h *Host) source(to netip.Addr) (netip.Addr, bool) {
	if h.has(to) {
		return to, true
	}
	for _, own := range h.ips {
		if own.Is4() == to.Is4() {
			return own, true
		}
	}
	return netip.Addr{}, false
}

var _ kernel.Kernel = (*Host)(nil)
