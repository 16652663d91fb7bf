package sim

import (
	"net/netip"
	"strconv"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// ReadsFully returns whether a short read of TCP has emptied the socket. Reactors call it. After a
// short read that a fault has caused there is an Event, as if the rest had arrived later.
func (h *Host) ReadsFully() bool { return !h.w.opt.ShortReads }

// Traits returns the Traits of Options.Kernel.
func (h *Host) Traits() kernel.Traits {
	linux := h.os() == Linux
	return kernel.Traits{ConnectReports: linux, InheritsOptions: linux, AcceptReportsResets: !linux, Segments: linux,
		KeepsUnreachable: true}
}

// on begins a call on a descriptor: it calls gate and then finds the file. ok means that the call
// continues.
func (h *Host) on(c Call, fd int) (f file, v verdict, ok bool) {
	v = h.gate(c, fd)
	if v.e == 0 {
		if f = h.file(fd); f == nil {
			v.e = kernel.EBADF
		}
	}
	if v.e != 0 {
		h.note(c, fd, 0, v.e)
		return nil, v, false
	}
	if v.again || c.Agains() && f.base().hides(dirOf(c)) {
		f.base().hide(dirOf(c))
		h.note(c, fd, 0, kernel.EAGAIN)
		v.e = kernel.EAGAIN
		return nil, v, false
	}
	return f, v, true
}

func dirOf(c Call) int { return one(c.writes()) }

func (h *Host) Socket(family, typ, proto int) (int, Errno) {
	v := h.gate(Socket, -1)
	e := v.e
	kind := typ & 0xf
	switch {
	case e != 0:
	case family != kernel.AF_INET && family != kernel.AF_INET6 && family != kernel.AF_UNIX:
		e = kernel.EAFNOSUPPORT
	case family != kernel.AF_UNIX && (proto < 0 || kind > kernel.SOCK_SEQPACKET), typ < 0:
		e = kernel.EINVAL
	case h.os() != Linux && kind != kernel.SOCK_STREAM && kind != kernel.SOCK_DGRAM && proto == 0:
		e = kernel.EPROTOTYPE
	case kind != kernel.SOCK_STREAM && kind != kernel.SOCK_DGRAM, !speaks(family, kind, proto):
		e = kernel.EPROTONOSUPPORT
	case h.full():
		e = kernel.EMFILE
	}
	if e != 0 {
		h.note(Socket, -1, 0, e)
		return -1, e
	}
	fd := -1
	switch {
	case family == kernel.AF_UNIX:
		s := &unixSocket{stream: kind == kernel.SOCK_STREAM, sndbuf: h.w.opt.Buffer}
		if !s.stream {
			s.sndbuf = max(s.sndbuf, gramRoom)
		}
		fd = h.born(&s.node, s)
	case kind == kernel.SOCK_STREAM:
		s := h.newTCP(family)
		fd = h.born(&s.node, s)
	default:
		s := &udp{rcvbuf: max(h.w.opt.Buffer, gramRoom), most: h.gramMost()}
		h.open46(&s.inet, family)
		fd = h.born(&s.node, s)
	}
	h.args(func() string { return kindText(kind) })
	h.note(Socket, fd, kind, 0)
	return fd, 0
}

// speaks returns whether a kind of socket supports the protocol.
func speaks(family, kind, proto int) bool {
	switch {
	case proto == 0:
		return true
	case family == kernel.AF_UNIX:
		return false
	case kind == kernel.SOCK_STREAM:
		return proto == kernel.IPPROTO_TCP
	}
	return proto == kernel.IPPROTO_UDP
}

func (h *Host) Bind(fd int, a Addr) Errno {
	f, v, ok := h.on(Bind, fd)
	if !ok {
		return v.e
	}
	e := kernel.EINVAL
	switch s := f.(type) {
	case *tcp:
		if s.phase == down || s.phase == silent || s.phase == up && s.over() {
			s.unbind()
		}
		e = h.bind(&s.inet, s, true, a)
	case *udp:
		e = h.bind(&s.inet, s, false, a)
	case *unixSocket:
		if a.Family == kernel.AF_UNIX {
			e = s.bind(a.Path)
		}
	}
	h.mixAddr(&a)
	h.args(a.String)
	h.note(Bind, fd, int(a.Port), e)
	return e
}

func (h *Host) Listen(fd, backlog int) Errno {
	f, v, ok := h.on(Listen, fd)
	if !ok {
		return v.e
	}
	e := kernel.EOPNOTSUPP
	switch s := f.(type) {
	case *tcp:
		e = s.listen(backlog)
	case *unixSocket:
		e = s.listen(backlog)
	}
	h.args(func() string { return strconv.Itoa(backlog) })
	h.note(Listen, fd, backlog, e)
	return e
}

func (h *Host) Accept(fd int) (int, Addr, Errno) {
	f, v, ok := h.on(Accept, fd)
	if !ok {
		return -1, Addr{}, v.e
	}
	conn, from, e := h.accept(f)
	f.base().refill()
	h.note(Accept, fd, conn, e)
	return conn, from, e
}

func (h *Host) accept(f file) (conn int, from Addr, e Errno) {
	if h.full() { // the kernel reserves a number before it checks the queue
		return -1, Addr{}, kernel.EMFILE
	}
	conn, e = -1, kernel.EOPNOTSUPP
	if h.os() != Linux {
		e = kernel.EINVAL
	}
	switch s := f.(type) {
	case *tcp:
		var c *tcp
		if c, e = s.accept(); e == 0 {
			conn, from = h.born(&c.node, c), c.told(c.remote)
			h.between(c)
		}
	case *unixSocket:
		var c *unixSocket
		if c, e = s.accept(); e == 0 {
			conn, from = h.born(&c.node, c), kernel.Unix(c.remote)
		}
	}
	return conn, from, e
}

func (h *Host) Connect(fd int, to Addr) Errno {
	f, v, ok := h.on(Connect, fd)
	if !ok {
		return v.e
	}
	e := kernel.EOPNOTSUPP
	switch s := f.(type) {
	case *tcp:
		var at netip.AddrPort
		if at, e = s.plain(to); h.os() == Linux && s.family == kernel.AF_INET6 && (to.Family == kernel.AF_INET || unzoned(to)) {
			e = kernel.EINVAL
		} else if e == 0 {
			e = s.connect(at)
		}
		for e == kernel.EINPROGRESS && h.holds(&s.node, Connect) {
			if s.phase == up {
				s.connected, e = true, 0
			} else if s.phase != connecting && h.os() != Linux { // another connect would be another attempt
				e = s.fault()
			} else if s.phase != connecting {
				e = s.connect(at) // returns the error of the connect
			}
		}
		h.between(s)
	case *udp:
		var at netip.AddrPort
		if at, e = s.plain(to); e == 0 {
			e = s.connect(at)
		}
	case *unixSocket:
		if e = kernel.EINVAL; to.Family == kernel.AF_UNIX {
			e = s.connect(to.Path)
		}
	}
	h.mixAddr(&to)
	h.args(to.String)
	h.note(Connect, fd, int(to.Port), e)
	return e
}

// Ready returns the result of poll(2) without waiting.
func (h *Host) Ready(fd int) (poller.Readiness, Errno) {
	f, v, ok := h.on(Ready, fd)
	if !ok {
		return 0, v.e
	}
	told := f.base().ready().poll(h.os())
	h.note(Ready, fd, int(told), 0)
	return told, 0
}

func (h *Host) Shutdown(fd, how int) Errno {
	f, v, ok := h.on(Shutdown, fd)
	if !ok {
		return v.e
	}
	e := kernel.EOPNOTSUPP
	if how < kernel.SHUT_RD || how > kernel.SHUT_RDWR {
		h.args(func() string { return shutText(how) })
		h.note(Shutdown, fd, how, kernel.EINVAL)
		return kernel.EINVAL
	}
	switch s := f.(type) {
	case *tcp:
		e = s.shutdown(how)
	case *udp:
		e = s.shutdown(how)
	case *unixSocket:
		e = s.shutdown(how)
	}
	h.args(func() string { return shutText(how) })
	h.note(Shutdown, fd, how, e)
	return e
}

// Close frees the number, even if it returns an error. It ignores a number from before a crash,
// because the garbage collector may close an object of a crashed program.
func (h *Host) Close(fd int) Errno {
	if fd >= firstFile && fd < h.lowest() {
		return 0
	}
	v := h.gate(Close, fd)
	if h.gone() {
		return 0
	}
	e := v.e
	f := h.file(fd)
	if !h.closeFile(fd) {
		e = kernel.EBADF
	}
	h.note(Close, fd, 0, e)
	if s, ok := f.(*tcp); ok && s.waits > 0 {
		s.await()
	}
	return e
}
