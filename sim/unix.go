package sim

import (
	"fmt"
	"math"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A unixSocket is one end of a Unix connection, a listener, or a datagram socket. Its peer is on
// the same host, and there is no delay.
type unixSocket struct {
	node
	stream  bool
	phase   phase
	path    string
	remote  string
	peer    *unixSocket
	err     Errno
	backlog int
	queue   []*unixSocket
	in      fifo
	passed  []passed
	grams   []gram
	sndbuf  int
	used    int   // how many of its bytes are in the queue of the peer
	sends   []int // for each send of the peer, the bytes that are left; room is reported when one is 0
	rdOver  bool
	wrOver  bool
	opts    []option
}

// gramsMost is how many datagrams the queue of a Unix socket can hold (net.unix.max_dgram_qlen). On
// the BSDs this is the number of datagrams of 100 bytes.
var gramsMost = [kernelCount]int{Linux: 11, FreeBSD: 13, NetBSD: 8}

// gramSizes is the maximum size of one datagram, if the send buffer allows it.
var gramSizes = [kernelCount]int{Linux: math.MaxInt, FreeBSD: 2048, NetBSD: 2560}

func abstract(path string) bool {
	return strings.HasPrefix(path, "@") || strings.HasPrefix(path, "\x00")
}

func (s *unixSocket) what() string {
	return fmt.Sprintf("unix %s → %s (%s)", s.path, s.remote, phaseNames[s.phase])
}

func (s *unixSocket) status() (st status) {
	st.errno = s.err
	switch {
	case !s.stream:
		return status{in: len(s.grams) > 0, out: !s.crowded() && s.used <= s.sndbuf/4, errno: s.err, rdEnd: s.rdOver, wrEnd: s.wrOver}
	case s.phase == listening:
		st.in = len(s.queue) > 0
	case s.phase == fresh:
		st.unborn = true
	default:
		st.in = s.in.len() > 0
		st.rdEnd, st.wrEnd = s.rdOver, s.wrOver
		st.out = s.used <= s.sndbuf/4
	}
	return st
}

// crowded returns whether the peer of a datagram socket has no room. Only the poll of Linux reports
// this.
func (s *unixSocket) crowded() bool {
	return s.h.os() == Linux && s.peer != nil && s.peer.peer != s && len(s.peer.grams) >= gramsMost[Linux]
}

// cleared notifies the sockets that are connected to s that the queue of s has one datagram less.
func (s *unixSocket) cleared() {
	for _, f := range s.h.files {
		if u, ok := f.(*unixSocket); ok && !u.stream && u.peer == s {
			u.wake(poller.Out)
		}
	}
}

func (s *unixSocket) bind(path string) Errno {
	switch {
	case s.path != "":
		return kernel.EINVAL
	case path == "": // the kernel chooses the name
		s.h.autobind++
		path = fmt.Sprintf("@%05x", s.h.autobind)
	}
	path, e := unixName(path)
	if e != 0 {
		return e
	}
	if _, there := s.h.paths[path]; there {
		return kernel.EADDRINUSE
	}
	s.path = path
	s.h.paths[path] = s
	s.h.made++
	s.h.ids[path] = s.h.made
	return 0
}

// unixName returns the normal form of a name, or an error if the name is not valid.
func unixName(path string) (string, Errno) {
	switch {
	case len(path) > pathMax, len(path) == pathMax && !abstract(path): // a file's name ends with a NUL
		return "", kernel.ENAMETOOLONG
	case abstract(path):
		return "@" + path[1:], 0
	case strings.Contains(path, "\x00"):
		return "", kernel.EINVAL
	}
	return path, 0
}

const pathMax = 108 // sizeof sun_path

// at returns the socket that is bound to a path.
func (h *Host) at(path string, stream bool) (*unixSocket, Errno) {
	path, e := unixName(path)
	s, there := h.paths[path]
	switch {
	case e != 0:
		return nil, e
	case !there && !abstract(path):
		return nil, kernel.ENOENT
	case s == nil, s.stream != stream:
		return nil, kernel.ECONNREFUSED
	}
	return s, 0
}

func (s *unixSocket) connect(path string) Errno {
	to, e := s.h.at(path, s.stream)
	switch {
	case e != 0:
		return e
	case !s.stream:
		s.remote, s.peer = to.path, to
		return 0
	case s.phase != fresh:
		return kernel.EISCONN
	case to.phase != listening:
		return kernel.ECONNREFUSED
	case len(to.queue) > s.h.seats(to.backlog) && s.h.os() != Linux:
		return kernel.ECONNREFUSED
	case len(to.queue) > s.h.seats(to.backlog):
		return kernel.EAGAIN
	}
	c := &unixSocket{stream: true, phase: up, path: to.path, remote: s.path, peer: s, sndbuf: to.sndbuf}
	c.node.h, c.life, c.self = s.h, s.h.life, c
	s.phase, s.peer, s.remote = up, c, to.path
	to.queue = append(to.queue, c)
	to.wake(poller.In)
	s.wake(0)
	return 0
}

func (s *unixSocket) listen(backlog int) Errno {
	if !s.stream || s.path == "" || s.phase == up {
		return kernel.EINVAL
	}
	s.phase = listening
	s.backlog = s.h.backlog(backlog)
	return 0
}

func (s *unixSocket) accept() (*unixSocket, Errno) {
	switch {
	case s.phase != listening:
		return nil, kernel.EINVAL
	case len(s.queue) == 0 || s.deaf > s.h.w.now:
		return nil, kernel.EAGAIN
	}
	c := s.queue[0]
	s.queue = append(s.queue[:0], s.queue[1:]...)
	return c, 0
}

func (s *unixSocket) fault() Errno {
	e := s.err
	s.err = 0
	return e
}

func (s *unixSocket) recv(p []byte, flags int) (int, gram, Errno) {
	hidden := s.deaf > s.h.w.now
	if !s.stream {
		if len(s.grams) == 0 || hidden {
			return 0, gram{}, kernel.EAGAIN
		}
		g := s.grams[0]
		n := copy(p, g.data)
		if flags&kernel.MSG_PEEK != 0 {
			g.files = nil
		} else {
			s.grams = append(s.grams[:0], s.grams[1:]...)
			g.freed()
			if s.h.os() == Linux && len(s.grams) == gramsMost[Linux]-1 {
				s.cleared()
			}
		}
		if flags&kernel.MSG_TRUNC != 0 {
			n = len(g.data)
		}
		return n, g, 0
	}
	if s.phase == fresh || s.phase == listening {
		return 0, gram{}, kernel.EINVAL
	}
	if n := s.upTo(min(len(p), s.in.len())); s.in.len() > 0 && !hidden {
		copy(p, s.in.at(0, n))
		g := gram{}
		if flags&kernel.MSG_PEEK == 0 {
			g.files = s.takeFiles(n)
			s.in.drop(n)
			s.taken(n)
		}
		return n, g, 0
	}
	switch {
	case hidden && !s.rdOver:
	case s.err != 0:
		return 0, gram{}, s.fault()
	case s.rdOver && !hidden:
		return 0, gram{}, 0
	}
	return 0, gram{}, kernel.EAGAIN
}

// taken records that n bytes were received from the queue. After each whole send it notifies the
// peer of the new room.
func (s *unixSocket) taken(n int) {
	whole := 0
	for k := n; k > 0; {
		if s.sends[0] > k {
			s.sends[0] -= k
			break
		}
		k -= s.sends[0]
		whole++
		s.sends = append(s.sends[:0], s.sends[1:]...)
	}
	q := s.peer
	q.used -= n
	for range whole {
		if q.phase == up && q.used <= q.sndbuf/4 {
			q.wake(poller.Out)
		}
	}
}

func (s *unixSocket) send(p []byte, to Addr, files []file) (int, Errno) {
	if !s.stream {
		return s.throw(p, to, files)
	}
	switch {
	case s.phase != up:
		return 0, kernel.ENOTCONN
	case s.wrOver:
		return 0, kernel.EPIPE
	case len(p) == 0:
		s.h.forget(files)
		return 0, 0
	}
	n := min(len(p), s.sndbuf-s.used)
	if n <= 0 {
		return 0, kernel.EAGAIN
	}
	s.used += n
	if len(files) > 0 {
		s.peer.passed = append(s.peer.passed, passed{s.peer.in.len(), files})
	}
	s.peer.in.add(p[:n])
	s.peer.sends = append(s.peer.sends, n)
	s.peer.wake(poller.In)
	return n, 0
}

func (s *unixSocket) throw(p []byte, to Addr, files []file) (int, Errno) {
	path := s.remote
	if to.Family != 0 {
		path = to.Path
	}
	switch {
	case s.wrOver:
		return 0, kernel.EPIPE
	case len(p) > min(s.sndbuf, gramSizes[s.h.os()]):
		return 0, kernel.EMSGSIZE
	}
	r, e := s.peer, Errno(0)
	if to.Family != 0 {
		r, e = s.h.at(path, false)
	} else if r == nil {
		e = kernel.ENOTCONN
	} else if r.phase == down { // the peer is closed, so the connection is too
		s.remote, s.peer, e = "", nil, kernel.ECONNREFUSED
		s.drain()
	}
	switch {
	case e != 0:
	case r.rdOver:
		e = kernel.EPIPE
	case s.h.os() == Linux && (s.used >= s.sndbuf || r.peer != s && len(r.grams) >= gramsMost[Linux]):
		e = kernel.EAGAIN
	case s.h.os() != Linux && len(r.grams) >= gramsMost[s.h.os()]:
		e = kernel.ENOBUFS // the filter for writing still reports room
	}
	if e != 0 {
		if s.h.os() == Linux && s.used < s.sndbuf {
			// Linux frees the refused datagram, and reports this as room.
			s.wake(poller.Out)
		}
		return 0, e
	}
	r.grams = append(r.grams, gram{from: Addr{Family: kernel.AF_UNIX, Path: s.path}, data: append([]byte(nil), p...), by: s, files: files})
	if s.h.os() == Linux {
		s.used += skb(len(p))
	}
	r.wake(poller.In)
	return len(p), 0
}

func (s *unixSocket) shutdown(how int) Errno {
	if s.stream && s.phase != up {
		return kernel.ENOTCONN
	}
	rd, wr := how != kernel.SHUT_WR, how != kernel.SHUT_RD
	s.rdOver, s.wrOver = s.rdOver || rd, s.wrOver || wr
	s.wake(0)
	if p := s.peer; p != nil && s.stream {
		p.rdOver, p.wrOver = p.rdOver || wr, p.wrOver || rd
		p.wake(0)
	}
	return 0
}

func (s *unixSocket) close() {
	if s.path != "" && s.h.paths[s.path] == s {
		s.h.paths[s.path] = nil // the file stays
		if abstract(s.path) {
			delete(s.h.paths, s.path)
		}
	}
	for _, c := range s.queue {
		if c.peer != nil && s.h.os() == Linux {
			c.peer.err = kernel.ECONNRESET
		}
		c.close()
	}
	s.queue = nil
	s.drain()
	for _, p := range s.passed {
		s.h.forget(p.files)
	}
	if p := s.peer; p != nil && s.stream && s.phase == up {
		p.rdOver, p.wrOver = true, true
		if s.in.len() > 0 {
			p.err = kernel.ECONNRESET
		}
		p.wake(0)
	}
	s.phase = down
}

// drain drops the waiting datagrams. Their senders have room again.
func (s *unixSocket) drain() {
	lost := s.grams
	s.grams = nil
	for _, g := range lost {
		s.h.forget(g.files)
		g.freed()
	}
}

// freed notifies the sender of a gram that it has room again.
func (g *gram) freed() {
	if g.by.h != nil && g.by.h.os() == Linux {
		g.by.used -= skb(len(g.data))
	}
	g.by.wake(poller.Out)
}

func (s *unixSocket) vanish() {}
