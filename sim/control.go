package sim

import "github.com/ureactor/ureactor/internal/kernel"

// A gram is one datagram.
type gram struct {
	from  Addr
	to    Addr // UDP: the address that it was sent to, if the host can answer from there
	data  []byte
	by    *unixSocket // the sender, which gets room when the gram is read
	ecn   uint8
	files []file // files that were passed with it
}

// details contains the facts about a send other than its bytes and its receiver.
type details struct {
	local   Addr
	segment int
	ecn     uint8
	files   []file
}

// segmentsMost is how many datagrams one send may have (UDP_MAX_SEGMENTS).
const segmentsMost = 128

// details reads the fields and control data of a Packet. The control data can pass open files.
// These files belong to the message until the method forget is called.
func (h *Host) details(p *kernel.Packet) (d details, e Errno) {
	d = details{local: p.Local, segment: int(p.Segment), ecn: p.ECN}
	if h.os() != Linux && (p.Segment != 0 || p.ECN != 0) {
		return d, kernel.ENOTSUP
	}
	if p.Segment != 0 && p.N > segmentsMost*int(p.Segment) {
		return d, kernel.EINVAL
	}
	if p.ControlN == 0 {
		return d, 0
	}
	fds, rest := kernel.SplitRights(p.Control[:p.ControlN])
	said := kernel.Packet{Addr: p.Addr}
	kernel.Decode(&said, rest)
	if said.Local.Family != 0 {
		d.local = said.Local
	}
	if said.ECN != 0 {
		d.ecn = said.ECN
	}
	for _, fd := range fds {
		f := h.file(fd)
		if f == nil {
			h.forget(d.files)
			d.files = nil
			return d, kernel.EBADF
		}
		f.base().numbers++
		d.files = append(d.files, f)
	}
	return d, 0
}

// segments splits the bytes of a send into its datagrams.
func (d *details) segments(p []byte) [][]byte {
	if d.segment == 0 {
		return [][]byte{p}
	}
	var parts [][]byte
	for ; len(p) > d.segment; p = p[d.segment:] {
		parts = append(parts, p[:d.segment])
	}
	return append(parts, p)
}

// report writes the details of a received gram to a Packet. Files for which the Packet has no room
// are closed.
func (h *Host) report(p *kernel.Packet, g *gram) {
	p.Addr, p.Local, p.ECN, p.Segment, p.Flags, p.ControlN = g.from, g.to, g.ecn, 0, 0, 0
	if p.Cut = p.N < len(g.data); p.Cut {
		p.Flags = kernel.MSG_TRUNC
	}
	if len(p.Control) == 0 {
		if p.Local.Family != 0 || p.ECN != 0 || len(g.files) > 0 {
			p.Flags |= kernel.MSG_CTRUNC
		}
		h.forget(g.files)
		return
	}
	control := kernel.AppendReceived(nil, p)
	var fds []int
	for i, f := range g.files {
		if h.full() || len(control)+len(kernel.Rights(append(fds, 0)...)) > len(p.Control) {
			p.Flags |= kernel.MSG_CTRUNC
			h.forget(g.files[i:])
			break
		}
		fds = append(fds, h.place(f.base(), f))
	}
	if len(fds) > 0 {
		control = append(control, kernel.Rights(fds...)...)
	}
	if p.ControlN = copy(p.Control, control); p.ControlN < len(control) {
		p.Flags |= kernel.MSG_CTRUNC
	}
}

// forget closes files that were sent and that nobody can receive any more.
func (h *Host) forget(files []file) {
	for _, f := range files {
		n := f.base()
		if n.numbers == 0 {
			f.close()
		} else {
			n.numbers--
		}
	}
}

// passed contains the files that were sent with a byte of a Unix stream. `at` is the number of
// bytes that wait before this byte.
type passed struct {
	at    int
	files []file
}

// upTo returns how many of the first n bytes one receive may return. Files arrive with the bytes
// that were sent with them.
func (s *unixSocket) upTo(n int) int {
	for _, p := range s.passed {
		if p.at > 0 {
			return min(n, p.at)
		}
	}
	return n
}

// takeFiles returns the files that arrive with the next n bytes.
func (s *unixSocket) takeFiles(n int) (files []file) {
	left := s.passed[:0]
	for _, p := range s.passed {
		if p.at == 0 && n > 0 {
			files = append(files, p.files...)
			continue
		}
		p.at -= n
		left = append(left, p)
	}
	s.passed = left
	return files
}
