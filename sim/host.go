package sim

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// firstFile is the lowest descriptor of a host. A real process usually has only lower descriptors,
// so a simulated number is not mistaken for a real one. After a restart of a host the numbers
// continue, because old programs may still use theirs.
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
	shared bool // several parts of a program have run: see yields
	life   int  // how often the host has started

	files []file       // the index is the descriptor minus base
	base  atomic.Int64 // atomic: see Close
	open  int
	room  int // no number below files[room] is free
	limit int

	disk *Disk
	// The names of bound Unix sockets. A nil value means that only the file is left. The map is never
	// iterated.
	paths    map[string]*unixSocket
	ids      map[string]uint64 // the numbers of the files in paths
	made     uint64            // how many files were made
	autobind int
	ports    ports
	groups   []membership

	drift  Chance // how much faster its clock runs, in millionths
	since  int64  // when drift was set, in the world's time
	began  int64  // when drift was set, in the host's time
	odds   Faults
	hazard bool // odds has a chance above 0
	plan   [callCount][]planned

	refused   [callCount]Errno // see Refuse; 0 means not refused
	during    []moment         // see During
	strangers int              // see Endless

	count counts
	fixed time.Duration // latency to all other hosts, if not 0

	turns Rand // chooses the program that runs first
	hides Rand // chooses when an Event reports readiness that a fault has hidden
	users Rand // for the programs

	ways       []way // the index is that of the other host
	packets    int   // on all ways together
	packetPlan []plannedPacket
	births     int // new descriptors while there are faults; the next seven number other occasions
	shakes     int
	looks      int
	crashes    int
	drifts     int
	kills      int
	pauses     int
	steps      int
	paused     int64         // until this time no program runs
	stepped    time.Duration // by how much StepClock has changed the date
	clogs      int
	clogged    [2]int // how many Swizzles have stopped the input, the output
}

// A Host has one stream of random choices for each purpose, so that a choice for one purpose does
// not change the choices for another.
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

// Rand returns the source of random choices for programs on this host. The choices do not depend on
// other hosts. See World.Rand.
func (h *Host) Rand() *Rand {
	h.w.owned(act("Rand"), h)
	return &h.users
}

// Host makes a machine with these addresses, and with 127.0.0.1 and ::1. It panics if another host
// has one of the addresses.
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

// Up returns whether the host runs. It returns false after a Crash, until Restart.
func (h *Host) Up() bool { return !h.down }

// Files returns how many descriptors are open: 0 when the programs have closed all of theirs.
func (h *Host) Files() int { return h.open }

// MaxFiles returns how many descriptors can be open at the same time. SetFileLimit changes this
// number.
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
	for name, u := range h.paths { // in any order, because no result depends on it
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

// Restart starts a crashed host, and the programs of Boot run from the start. The files of Unix
// sockets still exist.
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

// gone returns whether the calling program is dead. Without a calling program on this host, it
// returns whether the host is down.
func (h *Host) gone() bool {
	p := h.w.cur
	if p == nil || p.host != h {
		return h.down
	}
	if !p.dead {
		return false
	}
	if p.late++; p.late > 1_000_000 {
		panic(fmt.Sprintf("sim: program %s continues although its host has crashed; it must return when Run returns an error", p))
	}
	return true
}

// has returns whether the address belongs to the host. Loopback addresses belong to every host.
func (h *Host) has(ip netip.Addr) bool {
	if ip.IsLoopback() { // on a BSD, lo0 has only one address of each family
		return h.os() == Linux || ip.Is6() || ip == netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	for _, own := range h.ips {
		if own == ip {
			return true
		}
	}
	return false
}

// source returns the address from which the host sends to the address `to`.
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
