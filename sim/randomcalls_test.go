package sim_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
)

// A scripter makes random calls of a Kernel, and logs each call with its results.
type scripter struct {
	k       kernel.Kernel
	r       *sim.Rand
	quiet   bool  // step makes no call that sleeps
	fds     []int // open descriptors, and some closed ones
	ends    []int // descriptors of connections
	pollers []poller.Poller
	watched map[int]poller.Poller // by descriptor
	files   []*sim.File
	log     strings.Builder
}

func newScripter(k kernel.Kernel, r *sim.Rand) *scripter {
	return &scripter{k: k, r: r, watched: map[int]poller.Poller{}}
}

func (c *scripter) note(format string, args ...any) {
	for i, a := range args {
		if e, is := a.(kernel.Errno); is {
			args[i] = sim.ErrnoName(e)
		}
	}
	fmt.Fprintf(&c.log, format+"\n", args...)
}

func (c *scripter) pick(list ...int) int { return list[c.r.Int(len(list))] }

func (c *scripter) yes(oneOf int) bool { return c.r.Int(oneOf) == 0 }

// fd returns a descriptor, which is usually open.
func (c *scripter) fd() int {
	if len(c.fds) == 0 || c.yes(50) {
		return c.pick(-1, 0, 999, 1000, 5000)
	}
	if len(c.ends) > 0 && c.yes(2) {
		return c.ends[c.r.Int(len(c.ends))]
	}
	return c.fds[c.r.Int(len(c.fds))]
}

func (c *scripter) add(fd int) {
	if fd >= 0 && !slices.Contains(c.fds, fd) {
		c.fds = append(c.fds, fd)
	}
}

var scriptPlaces = []string{"10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2", "127.0.0.1", "0.0.0.0", "fd00::1", "fd00::2", "::1", "::", "127.0.0.9",
	"10.0.9.1", "10.9.9.9", "224.0.0.9", "ff05::9", "255.255.255.255", "fe80::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1"}

// inet returns an IP address, usually one of the first few.
func (c *scripter) inet() kernel.Addr {
	places := scriptPlaces
	if !c.yes(3) {
		places = places[:6]
	}
	a := kernel.Inet(netip.AddrPortFrom(netip.MustParseAddr(places[c.r.Int(len(places))]), uint16(c.pick(0, 7, 7, 7, 8, 9, 40000))))
	if c.yes(30) && a.Family == kernel.AF_INET6 {
		a.Scope = 2
	}
	return a
}

func (c *scripter) unix() kernel.Addr {
	names := []string{"/run/a", "/run/a", "/run/b", "@x", "\x00x", "", strings.Repeat("n", 107), strings.Repeat("n", 108), "@" + strings.Repeat("n", 107), "a\x00b"}
	return kernel.Unix(names[c.r.Int(len(names))])
}

func (c *scripter) addr() kernel.Addr {
	switch c.r.Int(8) {
	case 0:
		return kernel.Addr{}
	case 1, 2:
		return c.unix()
	}
	return c.inet()
}

// step makes one call.
func (c *scripter) step() {
	calls := []func(){c.open, c.open, c.connection, c.connection, c.connection, c.datagrams, c.datagrams, c.bind, c.listen, c.connect, c.accept, c.accept, c.send, c.send,
		c.send, c.send, c.sendTo, c.recv, c.recv, c.recv, c.recv, c.sendV, c.batches, c.batches, c.messages, c.messages, c.shutdown, c.close, c.options, c.options,
		c.optionBytes, c.asks, c.asks, c.names, c.poll, c.poll, c.poll, c.disk, c.disk, c.watch, c.watch, c.watch}
	calls[c.r.Int(len(calls))]()
	if !c.quiet && c.yes(3) {
		c.poll()
	}
}

func (c *scripter) socket(family, typ, proto int) int {
	fd, e := c.k.Socket(family, typ, proto)
	c.note("socket(%d, %d, %d) = %d %v", family, typ, proto, fd, e)
	c.add(fd)
	return fd
}

func (c *scripter) open() {
	family := c.pick(kernel.AF_INET, kernel.AF_INET, kernel.AF_INET6, kernel.AF_UNIX)
	switch {
	case c.yes(20):
		c.socket(c.pick(0, 77, family), c.pick(-1, 0, 3, 5, 9, kernel.SOCK_STREAM), c.pick(-1, 0, 1, kernel.IPPROTO_TCP, kernel.IPPROTO_UDP))
	case c.yes(8):
		c.poller()
	default:
		c.socket(family, c.pick(kernel.SOCK_STREAM, kernel.SOCK_STREAM, kernel.SOCK_DGRAM), 0)
	}
}

// connection makes a listener or two ends of a connection. Its calls may fail.
func (c *scripter) connection() {
	if len(c.fds) > 40 {
		return
	}
	family, at := kernel.AF_INET, c.inet()
	if c.yes(3) {
		family, at = kernel.AF_UNIX, c.unix()
	} else if at.Family == kernel.AF_INET6 {
		family = kernel.AF_INET6
	}
	fd := c.socket(family, kernel.SOCK_STREAM, 0)
	if c.yes(2) {
		c.note("bind %v", c.k.Bind(fd, at))
		c.note("listen %v", c.k.Listen(fd, c.pick(-1, 0, 1, 5, 5000)))
		if c.yes(2) {
			return
		}
		at, _ = c.k.LocalAddr(fd)
		fd = c.socket(family, kernel.SOCK_STREAM, 0)
	}
	c.note("connect %v", c.k.Connect(fd, at))
	c.ends = append(c.ends, fd)
	if c.yes(2) {
		c.pause()
		c.accept()
	}
}

func (c *scripter) datagrams() {
	if len(c.fds) > 40 {
		return
	}
	for range 2 {
		fd, at := 0, c.inet()
		if c.yes(2) {
			fd, at = c.socket(kernel.AF_UNIX, kernel.SOCK_DGRAM, 0), c.unix()
		} else {
			fd = c.socket(c.pick(kernel.AF_INET, kernel.AF_INET, kernel.AF_INET6), kernel.SOCK_DGRAM, 0)
		}
		if c.yes(2) {
			c.note("share %v", c.k.SetOpt(fd, kernel.SOL_SOCKET, c.pick(kernel.SO_REUSEADDR, kernel.SO_REUSEPORT), 1))
		}
		c.note("bind %v %v", at, c.k.Bind(fd, at))
		if c.yes(2) {
			if c.yes(3) {
				at = c.addr()
			}
			c.note("connect %v", c.k.Connect(fd, at))
			c.ends = append(c.ends, fd)
		}
	}
}

func (c *scripter) bind() {
	fd, at := c.fd(), c.addr()
	c.note("bind(%d, %q) %v", fd, at, c.k.Bind(fd, at))
}

func (c *scripter) listen() {
	fd, n := c.fd(), c.pick(-1, 0, 1, 5, 5000)
	c.note("listen(%d, %d) %v", fd, n, c.k.Listen(fd, n))
}

func (c *scripter) connect() {
	fd, at := c.fd(), c.addr()
	c.note("connect(%d, %q) %v", fd, at, c.k.Connect(fd, at))
}

func (c *scripter) accept() {
	for _, fd := range c.fds {
		if n, _ := c.k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ACCEPTCONN); n == 0 && !c.yes(200) {
			continue
		}
		conn, from, e := c.k.Accept(fd)
		c.note("accept(%d) = %d %v %v", fd, conn, from, e)
		if e == 0 {
			c.add(conn)
			c.ends = append(c.ends, conn)
			return
		}
	}
}

// waiter has the methods that a simulated Kernel has in addition to those of every Kernel.
type waiter interface {
	Waiting(fd int) int
	Files() int
	MaxFiles() int
	Dup(fd int) (int, kernel.Errno)
}

func (c *scripter) shutdown() {
	fd, how := c.fd(), c.pick(0, 1, 1, 1, 2, -1, 3)
	c.note("shutdown(%d, %d) %v", fd, how, c.k.Shutdown(fd, how))
}

// close closes a descriptor. It first unregisters the descriptor, as programs must.
func (c *scripter) close() {
	fd := c.fd()
	if p := c.watched[fd]; p != nil {
		c.note("del(%d): %v", fd, p.Del(fd))
		delete(c.watched, fd)
	}
	c.note("close(%d) %v", fd, c.k.Close(fd))
	if i := slices.Index(c.fds, fd); i >= 0 && !c.yes(20) {
		c.fds = slices.Delete(c.fds, i, i+1)
	}
	c.ends = slices.DeleteFunc(c.ends, func(end int) bool { return end == fd })
}
