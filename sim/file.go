package sim

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kevent"
	"github.com/ureactor/ureactor/poller"
)

// A file is the object to which a descriptor refers.
type file interface {
	base() *node
	status() status
	// close runs when the last descriptor of the file is closed.
	close()
	// vanish runs when the host crashes. No peer is notified.
	vanish()
	// what returns kind and peer of the file, for reports.
	what() string
}

// node is the common part of all files: the host, the number, and the Pollers that watch the file.
type node struct {
	h    *Host
	life int
	fd   int
	regs []*reg
	kick [2]bool // an Event is planned for input or for room that a fault has hidden
	// hidden has the time at which a fault last hid the input or the room, or -1. Only a live world
	// sets it: see hides.
	hidden [2]int64
	self   file

	owner    *proc     // the program that made the file; nil means the test
	birth    []uintptr // the stack of the call that made the file: see Leaks
	numbers  int       // how many other numbers the file has beside fd: see Dup
	blocking bool      // O_NONBLOCK is clear: see SetNonblock
	more     func()    // see Endless; usually nil

	oneByte bool
	deaf    int64 // until this time the file reports no input
}

func (n *node) base() *node { return n }

// A status describes what a file is ready for. The fields are the rows of the table in
// poller/bits_kqueue.go.
type status struct {
	in, out bool
	errno   Errno // the pending error
	cut     bool  // a reset or a refusal has closed both directions
	rdEnd   bool  // the peer's FIN, or shutdown(RD)
	wrEnd   bool  // shutdown(WR)
	unborn  bool  // TCP before connect: epoll reports OUT|HUP, and kqueue reports nothing

	noWriter, noReader bool // the other end of a pipe is closed
}

func (s status) err() bool { return s.errno != 0 }

func (s status) epoll() (r poller.Readiness) {
	if s.in || s.rdEnd || s.cut {
		r |= poller.In
	}
	if s.out || s.wrEnd || s.cut || s.unborn {
		r |= poller.Out
	}
	if s.err() {
		r |= poller.Err
	}
	if s.noReader {
		r |= poller.Err
	}
	if s.rdEnd && s.wrEnd || s.cut || s.unborn || s.noWriter {
		r |= poller.Hup
	}
	if s.rdEnd || s.cut {
		r |= poller.End
	}
	return r
}

// poll returns what poll(2) reports. FreeBSD does not report ERR for a socket, and NetBSD reports
// neither ERR nor HUP. Both systems report nothing for a new socket.
func (s status) poll(os Kernel) poller.Readiness {
	r := s.epoll() &^ poller.End
	if os == Linux {
		return r
	}
	if s.unborn {
		return 0
	}
	if s.err() {
		r |= poller.In | poller.Out
	}
	r &^= poller.Err
	switch {
	case s.noWriter || s.noReader:
		return r | poller.Hup
	case os == NetBSD:
		return r &^ poller.Hup
	case r&poller.Hup != 0:
		return r &^ poller.Out
	}
	return r
}

// filter returns what a kqueue filter for reading or writing reports: whether it is active, its
// flags, and with EOF the errno.
func (s status) filter(write bool) (active bool, flags, fflags uint32) {
	var over bool
	active, over = s.in, s.rdEnd || s.noWriter
	if write {
		active, over = s.out, s.wrEnd || s.noReader
	}
	if s.unborn {
		return false, 0, 0
	}
	if over = over || s.cut; over {
		flags = kevent.EOF
		fflags = uint32(s.errno)
	}
	return active || over || s.err(), flags, fflags
}

// ready returns the status without the readiness that a fault hides for a while.
func (n *node) ready() status {
	s := n.self.status()
	if n.hides(0) || n.deaf > n.h.w.now && !s.cut {
		s.in, s.rdEnd = false, false
	}
	if n.hides(1) {
		s.out, s.wrEnd = false, false
	}
	return s
}

// wake notifies the Pollers that something has happened to the file. key has the bits that have
// changed, or is 0 for any of them.
func (n *node) wake(key poller.Readiness) {
	for _, r := range n.regs {
		if key == 0 || key&(poller.Readiness(r.want)|poller.Err|poller.Hup) != 0 {
			r.p.list(r)
		}
	}
}

const (
	actKick uint8 = 100 + iota // an event of every file
	actHear
)

// hide hides input or room because of a fault, and plans the Event for it.
func (n *node) hide(dir int) {
	if n.h.w.live != nil {
		n.hidden[dir] = n.h.w.now
	}
	n.again(dir)
}

// hides returns whether a fault still hides the input or the room of the file. In a live world this
// lasts until the time advances. The scheduler may let a goroutine try twice at one time, and the
// second try must not find what the first one did not. Pollers do not find it either, because a
// level-triggered Poller would report it again and again. Errors are not hidden, because such a
// Poller reports them too.
func (n *node) hides(dir int) bool {
	if n.hidden[dir] != n.h.w.now {
		return false
	}
	s := n.self.status()
	return !s.cut && !s.err() && !s.unborn && !s.noWriter && !s.noReader
}

// again plans an Event for input or room that a fault has hidden from a call, as if it had come
// directly after the call.
func (n *node) again(dir int) {
	// A Poller to which the file is added while it is hidden does not report it.
	if n.kick[dir] || len(n.regs) == 0 && n.hidden[dir] != n.h.w.now {
		return
	}
	n.kick[dir] = true
	hides := &n.h.hides
	if l := n.h.w.live; l != nil {
		hides = l.chance(n.h, nil, n.fd)
	}
	n.h.w.events.add(n.h.w.now+1+hides.N(20_000), n, actKick, int64(dir), 0)
}

func (n *node) act(what uint8, dir int64, _ uint64) {
	switch what {
	case actKick:
		n.kick[dir] = false
		n.wake([2]poller.Readiness{poller.In, poller.Out}[dir])
	case actHear:
		n.wake(0)
	}
}

// born gives a new file its number and its faults. The caller has checked that a number is free.
func (h *Host) born(n *node, self file) int {
	n.h, n.life, n.self = h, h.life, self
	n.hidden = [2]int64{-1, -1}
	w := h.w
	n.birth = w.birth()
	if p := w.cur; p != nil && p.host == h {
		n.owner = p
	}
	if h.hazard {
		h.births++
		nth := w.nth(h.births)
		r := h.dice(OneByte, 0, nil, nth, 0)
		n.oneByte = w.happens(&Fault{Kind: OneByte, Host: h.name, Nth: nth}, r.Chance(h.odds.OneByte), true)
		if w.happens(&Fault{Kind: NeverReads, Host: h.name, Nth: nth}, r.Chance(h.odds.NeverReads), true) {
			n.deaf = w.now + 10e9
			w.events.add(n.deaf, n, actHear, 0, 0)
		}
	}
	return h.place(n, self)
}

// place uses the lowest free number, as POSIX requires.
func (h *Host) place(n *node, self file) int {
	h.open++
	for h.room < len(h.files) && h.files[h.room] != nil {
		h.room++
	}
	if h.room == len(h.files) {
		h.files = append(h.files, nil)
	}
	h.files[h.room] = self
	n.fd = h.lowest() + h.room
	h.room++
	return n.fd
}

// file returns the file of a descriptor, or nil if the descriptor is not open on this host.
func (h *Host) file(fd int) file {
	if i := fd - h.lowest(); uint(i) < uint(len(h.files)) {
		return h.files[i]
	}
	return nil
}

// full returns whether no descriptor is free.
func (h *Host) full() bool { return h.open >= h.limit }

// lowest returns the descriptor number of files[0].
func (h *Host) lowest() int { return int(h.base.Load()) }

// closeFile frees the number. It does not end registrations, because epoll ends them only if no
// duplicate is open. Programs must call Del before.
func (h *Host) closeFile(fd int) bool {
	f := h.file(fd)
	if f == nil {
		return false
	}
	n := f.base()
	for i := len(n.regs) - 1; i >= 0; i-- {
		r := n.regs[i]
		if int(r.fd) != fd {
			continue // this is another number of the same file
		}
		if _, nested := f.(*epoll); !nested {
			h.w.Fail(fmt.Errorf("sim: host %s closes descriptor %d (%s) while it is registered with a Poller; call Del first", h.name, fd, f.what()))
		}
		r.p.forget(r)
	}
	h.files[fd-h.lowest()] = nil
	h.room = min(h.room, fd-h.lowest())
	h.open--
	if n.numbers == 0 {
		f.close()
		return true
	}
	n.numbers--
	for i, other := range h.files {
		if other == f {
			n.fd = h.lowest() + i
		}
	}
	return true
}
