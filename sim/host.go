package sim

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// firstFile is a host's lowest descriptor: a real one, passed to a host by mistake, is below it,
// and the reverse is far above what a process has. Descriptors of a host that was restarted go on
// where the last ones ended, for what is left of its programs must not meet them.
const firstFile = 1000

// A Host is one machine of a World, and the Kernel of the programs that run on it.
type Host struct {
	w     *World
	name  string // its first address
	index int
	ips   []netip.Addr
	boots []*proc // what Boot was given, as often as the host starts
	procs []*proc // of the present start
	down  bool
	life  int // how often it has started

	files []file       // by descriptor - base
	base  atomic.Int64 // atomic: see Close
	open  int
	limit int

	paths    map[string]*unixSocket // bound names; nil: only the file is left. For looking up only
	ids      map[string]uint64      // the files' numbers
	made     uint64                 // how many files there have been
	autobind int
	ports    ports
	groups   []membership

	drift  Chance // how much slower or faster its clock runs, in millionths
	since  int64  // when that began, in the world's time
	began  int64  // and in its own
	odds   Faults
	hazard bool // odds has any
	plan   [callCount][]planned

	refused   [callCount]Errno // see Refuse
	during    []moment         // see During
	strangers int              // see Endless

	count [callCount]int
	fixed time.Duration // latency to all others, if not 0

	turns Rand // which program runs first
	hides Rand // when what a fault has hidden is told
	users Rand // the programs'

	ways       []way // by the other's index
	packets    int   // on all of them
	packetPlan []plannedPacket
	births     int // of descriptors, in times of faults; the others likewise
	shakes     int
	looks      int
	crashes    int
	drifts     int
	clogs      int
	clogged    [2]int // by how many Swizzles: what comes in, what goes out
}

// What a Host's streams of choices are for. Each has its own, so that one is not moved by another.
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

// Rand is the choices of the programs on this host: what other hosts do does not move them. See
// World.Rand.
func (h *Host) Rand() *Rand { return &h.users }

// Host makes a machine with these addresses, and with 127.0.0.1 and ::1. Addresses that another has
// panic.
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

// os is whose rules the host follows.
func (h *Host) os() Kernel { return h.w.opt.Kernel }

// Name is the first of its addresses.
func (h *Host) Name() string { return h.name }

func (h *Host) String() string { return h.name }

// Boot has the host run a program, from now on and after every Restart. The program ends when f
// returns.
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

// Up tells whether the host is not crashed.
func (h *Host) Up() bool { return !h.down }

// Files is how many descriptors are open: 0 when its programs have given back all.
func (h *Host) Files() int { return h.open }

// MaxFiles is how many descriptors can be open. SetFileLimit changes it.
func (h *Host) MaxFiles() int { return h.limit }
func (h *Host) SetFileLimit(n int) {
	if n < 0 || n > filesMost {
		panic(fmt.Sprintf("sim: SetFileLimit(%d): must be 0 … %d", n, filesMost))
	}
	h.limit = n
}

// Crash takes the host down: nothing it has leaves it any more, not even a reset. Every call of its
// programs fails, and they end soon, for their reactors' Run returns an error.
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
	h.files, h.open = nil, 0
	h.ports.used = nil
	h.groups = nil
	for name, u := range h.paths { // any order: each is seen for itself
		if u != nil && abstract(name) {
			delete(h.paths, name)
		} else {
			h.paths[name] = nil
		}
	}
	for _, p := range h.procs {
		if !p.ended {
			p.dead = true
			p.soon(h.w.now)
		}
	}
}

// Restart starts a crashed host: its programs of Boot run anew. Files of Unix sockets are still
// there.
func (h *Host) Restart() {
	if !h.down {
		return
	}
	h.w.trace.note(h.w, "restart "+h.name)
	for _, p := range h.procs {
		if !p.ended && p != h.w.cur {
			p.resume()
		}
	}
	h.down = false
	h.life++
	h.procs = nil
	for _, b := range h.boots {
		h.start(b)
	}
}

// gone tells whether a call comes from a program whose host has crashed.
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

// has tells whether the address is the host's own; loopback included.
func (h *Host) has(ip netip.Addr) bool {
	if ip.IsLoopback() { // a BSD's lo0 has one address of each family
		return h.os() == Linux || ip.Is6() || ip == netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	for _, own := range h.ips {
		if own == ip {
			return true
		}
	}
	return false
}

// source is the address that the host sends from to another.
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
