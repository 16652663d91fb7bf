package sim

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kevent"
	"github.com/ureactor/ureactor/poller"
)

// A file is what a descriptor stands for.
type file interface {
	base() *node
	status() status
	// close is the last descriptor's end.
	close()
	// vanish is the host's: nobody is told.
	vanish()
	// kind and the peer, for reports.
	what() string
}

// node is what files have in common: the host, the number, and which Pollers watch.
type node struct {
	h    *Host
	life int
	fd   int
	regs []*reg
	kick [2]bool // an Event is on its way for what a fault has hidden
	self file

	numbers  int    // beside fd, which is one of them; see Dup
	blocking bool   // O_NONBLOCK is cleared; see SetNonblock
	more     func() // see Endless; nil for most

	oneByte bool
	deaf    int64 // until when it tells of no input
}

func (n *node) base() *node { return n }

// status is what a file is ready for, as the rows of poller/bits_kqueue.go have it.
type status struct {
	in, out bool
	errno   Errno // is pending
	cut     bool  // by a reset or a refusal: both ways are over
	rdEnd   bool  // FIN, or shutdown(RD)
	wrEnd   bool  // shutdown(WR)
	unborn  bool  // TCP before connect: OUT|HUP to epoll, nothing to kqueue

	noWriter, noReader bool // a pipe's other end is closed
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

// poll is what poll(2) says. FreeBSD knows no ERR of a socket, NetBSD neither ERR nor HUP, and both
// nothing of a new one.
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

// filter is what a kqueue's filter reports, read or write: whether it is active, its flags, and
// with EOF the errno.
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

// ready is the status without what the file does not tell for the time being.
func (n *node) ready() status {
	s := n.self.status()
	if n.deaf > n.h.w.now && !s.cut {
		s.in, s.rdEnd = false, false
	}
	return s
}

// wake tells the Pollers that something has happened: of the bits in key, or 0 for anything.
func (n *node) wake(key poller.Readiness) {
	for _, r := range n.regs {
		if key == 0 || key&(poller.Readiness(r.want)|poller.Err|poller.Hup) != 0 {
			r.p.list(r)
		}
	}
}

const (
	actKick uint8 = 100 + iota // of every file
	actHear
)

// again has an Event come for what a fault has hidden from a call: as if it had arrived right after
// that.
func (n *node) again(dir int) {
	if n.kick[dir] || len(n.regs) == 0 {
		return
	}
	n.kick[dir] = true
	n.h.w.events.add(n.h.w.now+1+n.h.hides.N(20_000), n, actKick, int64(dir), 0)
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

// born gives a new file its number and its character. EMFILE is the caller's to have looked for.
func (h *Host) born(n *node, self file) int {
	n.h, n.life, n.self = h, h.life, self
	w := h.w
	if h.hazard {
		h.births++
		r := h.dice(OneByte, 0, nil, h.births)
		n.oneByte = w.happens(&Fault{Kind: OneByte, Host: h.name, Nth: h.births}, r.Chance(h.odds.OneByte), true)
		if w.happens(&Fault{Kind: NeverReads, Host: h.name, Nth: h.births}, r.Chance(h.odds.NeverReads), true) {
			n.deaf = w.now + 10e9
			w.events.add(n.deaf, n, actHear, 0, 0)
		}
	}
	return h.place(n, self)
}

// place takes the lowest number that is free, as POSIX wants it.
func (h *Host) place(n *node, self file) int {
	h.open++
	for i, f := range h.files {
		if f == nil {
			h.files[i] = self
			n.fd = h.lowest() + i
			return n.fd
		}
	}
	h.files = append(h.files, self)
	n.fd = h.lowest() + len(h.files) - 1
	return n.fd
}

// file is what the descriptor stands for; nil if it is not open here.
func (h *Host) file(fd int) file {
	if i := fd - h.lowest(); uint(i) < uint(len(h.files)) {
		return h.files[i]
	}
	return nil
}

// full tells whether no descriptor is left.
func (h *Host) full() bool { return h.open >= h.limit }

// lowest is the number of the first of files.
func (h *Host) lowest() int { return int(h.base.Load()) }

// closeFile gives back the number. epoll would forget it by itself, but not if it had a duplicate:
// that is for Del.
func (h *Host) closeFile(fd int) bool {
	f := h.file(fd)
	if f == nil {
		return false
	}
	n := f.base()
	for i := len(n.regs) - 1; i >= 0; i-- {
		r := n.regs[i]
		if int(r.fd) != fd {
			continue // another number of the same file
		}
		if _, nested := f.(*epoll); !nested {
			h.w.Fail(fmt.Errorf("sim: host %s closes descriptor %d (%s) while a Poller watches it; Del comes first", h.name, fd, f.what()))
		}
		r.p.forget(r)
	}
	h.files[fd-h.lowest()] = nil
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
