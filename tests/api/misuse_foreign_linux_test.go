package api

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// A foreign is a descriptor that the test has made without this module, and the reasons for which
// calls refuse it.
type foreign struct {
	name string
	make func(t *testing.T, r *reactor.Reactor) (fd int, done func())
	// stream is in the error of Attach, and any is in the errors of FromFD and FromFDOn. If it is "",
	// the call succeeds.
	stream, any string
	is          error
}

// pairOf makes two connected Unix sockets of a type. It returns the first one.
func pairOf(t *testing.T, typ int) (int, func()) {
	fds, err := unix.Socketpair(unix.AF_UNIX, typ, 0)
	must(t, err)
	return fds[0], func() { unix.Close(fds[0]); unix.Close(fds[1]) }
}

func madeOf(t *testing.T, family, typ int) (int, func()) {
	fd, err := unix.Socket(family, typ, 0)
	must(t, err)
	return fd, func() { unix.Close(fd) }
}

var foreigns = []foreign{
	{"a closed number", func(*testing.T, *reactor.Reactor) (int, func()) { return 1 << 20, func() {} },
		"descriptor 1048576 is not open", "descriptor 1048576 is not open", syscall.EBADF},
	{"a pipe", func(t *testing.T, _ *reactor.Reactor) (int, func()) {
		var fds [2]int
		must(t, unix.Pipe(fds[:]))
		return fds[0], func() { unix.Close(fds[0]); unix.Close(fds[1]) }
	}, "is no socket", "is no socket", syscall.ENOTSOCK},
	{"an epoll", func(t *testing.T, _ *reactor.Reactor) (int, func()) {
		fd, err := unix.EpollCreate1(0)
		must(t, err)
		return fd, func() { unix.Close(fd) }
	}, "is no socket", "is no socket", syscall.ENOTSOCK},
	{"a directory", func(t *testing.T, _ *reactor.Reactor) (int, func()) {
		fd, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		must(t, err)
		return fd, func() { unix.Close(fd) }
	}, "is no socket", "is no socket", syscall.ENOTSOCK},
	{"a netlink socket", func(t *testing.T, _ *reactor.Reactor) (int, func()) { return madeOf(t, unix.AF_NETLINK, unix.SOCK_RAW) },
		"is a socket of a family other than", "is a socket of a family other than", syscall.EAFNOSUPPORT},
	{"a datagram socket", func(t *testing.T, _ *reactor.Reactor) (int, func()) { return pairOf(t, unix.SOCK_DGRAM) },
		"is no stream socket", "", syscall.EPROTOTYPE},
	{"a socket of packets", func(t *testing.T, _ *reactor.Reactor) (int, func()) { return pairOf(t, unix.SOCK_SEQPACKET) },
		"is no stream socket", "", syscall.EPROTOTYPE},
	{"a stream without a peer", func(t *testing.T, _ *reactor.Reactor) (int, func()) { return madeOf(t, unix.AF_INET, unix.SOCK_STREAM) },
		"is not connected", "", syscall.ENOTCONN},
	{"a listener", func(t *testing.T, _ *reactor.Reactor) (int, func()) {
		fd, done := madeOf(t, unix.AF_INET, unix.SOCK_STREAM)
		must(t, unix.Listen(fd, 1))
		return fd, done
	}, "is a listener", "", syscall.EINVAL},
	{"a descriptor with a Watch", func(t *testing.T, r *reactor.Reactor) (int, func()) {
		fd, done := pairOf(t, unix.SOCK_STREAM)
		w, err := r.Watch(fd, poller.In, func(poller.Readiness) {})
		must(t, err)
		return fd, func() { w.Stop(); done() }
	}, "is registered", "is registered already", syscall.EEXIST},
	{"a Conn's", func(t *testing.T, r *reactor.Reactor) (int, func()) {
		fd, done := pairOf(t, unix.SOCK_STREAM)
		c, err := r.Attach(fd, nil, handler{})
		must(t, err)
		return fd, func() { // the Conn owns one descriptor of the pair
			c.Detach()
			done()
		}
	}, "is registered", "is registered already", syscall.EEXIST},
}

// Every call that adopts a descriptor refuses a descriptor that is no socket, has the wrong family
// or type, or is already registered. The error names the descriptor and the reason. The descriptor
// stays open with the same flags, and no other descriptor is open.
func TestForeignDescriptorsAreNamedAndNotChanged(t *testing.T) {
	balanced(t, func() {
		r, done := turned(t)
		defer done()
		for _, f := range foreigns {
			for call, adopt := range map[string]func(fd int) (back func(), err error){
				"Attach": func(fd int) (func(), error) {
					c, err := r.Attach(fd, []byte("x"), handler{})
					return func() { c.Detach() }, err
				},
				"FromFDOn": func(fd int) (func(), error) {
					s, err := socket.FromFDOn(r, fd)
					return func() { s.Detach() }, err
				},
				"FromFD": func(fd int) (func(), error) {
					s, err := socket.FromFD(fd)
					return func() { s.Detach() }, err
				},
			} {
				fd, done := f.make(t, r)
				want := f.any
				if call == "Attach" {
					want = f.stream
				} else if call == "FromFD" && f.is == syscall.EEXIST {
					want = "" // FromFD does not know the other loop, with which it is registered
				}
				before := state(fd)
				back, err := adopt(fd)
				switch {
				case want == "" && err != nil:
					t.Errorf("%s of %s: %v", call, f.name, err)
				case want == "":
					back()
				case err == nil:
					t.Errorf("%s of %s succeeds", call, f.name)
					back()
				case !strings.Contains(err.Error(), fmt.Sprintf("descriptor %d", fd)) || !strings.Contains(err.Error(), want) || !errors.Is(err, f.is):
					t.Errorf("%s of %s: %v, want %q", call, f.name, err, want)
				case state(fd) != before:
					t.Errorf("%s of %s has changed it: %s, was %s", call, f.name, state(fd), before)
				}
				done()
			}
		}
	})
}

// state describes the flags and the type of a descriptor.
func state(fd int) string {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	own, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	typ, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return fmt.Sprintf("flags %#x %#x, type %d, %v", flags, own, typ, err)
}

// If package net refuses a file because it is not a socket, netconn returns the same error. The
// error has the file's name. The file stays open.
func TestForeignFilesAreRefusedAsByNet(t *testing.T) {
	balanced(t, func() {
		r, done := turned(t)
		defer done()
		for _, f := range foreigns {
			if f.is == syscall.EEXIST { // its duplicate is not registered
				continue
			}
			fd, done := f.make(t, r)
			n, err := unix.Dup(fd)
			done()
			if err != nil {
				continue
			}
			file := os.NewFile(uintptr(n), "the "+f.name)
			for call, both := range map[string][2]func() error{
				"FileConn": {func() error { c, err := net.FileConn(file); return closed(c, err) },
					func() error { c, err := netconn.FileConn(file); return closed(c, err) }},
				"FileListener": {func() error { l, err := net.FileListener(file); return closed(l, err) },
					func() error { l, err := netconn.FileListener(file); return closed(l, err) }},
				"FilePacketConn": {func() error { c, err := net.FilePacketConn(file); return closed(c, err) },
					func() error { c, err := netconn.FilePacketConn(file); return closed(c, err) }},
			} {
				want, got := both[0](), both[1]()
				if fmt.Sprint(want) != fmt.Sprint(got) {
					t.Errorf("%s of %s: %v, package net: %v", call, f.name, got, want)
				}
			}
			if err := file.Close(); err != nil {
				t.Errorf("%s was closed: %v", f.name, err)
			}
		}
	})
}

func closed(c interface{ Close() error }, err error) error {
	if err == nil {
		c.Close()
	}
	return err
}

// If control data is too long, the error names its length. If a group does not exist, the error
// names the group. Nothing is sent, and the socket can still be used.
func TestControlDataAndGroupsAreNamed(t *testing.T) {
	balanced(t, func() {
		dir := t.TempDir()
		s, err := socket.New(socket.AF_UNIX, socket.SOCK_DGRAM, 0)
		must(t, err)
		defer s.Close()
		at := socket.Path(filepath.Join(dir, "s"))
		must(t, s.Bind(at))
		udp, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
		must(t, err)
		defer udp.Close()
		udp6, err := socket.New(socket.AF_INET6, socket.SOCK_DGRAM, 0)
		must(t, err)
		defer udp6.Close()
		send := func(control []byte) error { _, err := s.SendMsg([]byte("x"), control, 0, at); return err }
		join := func(s *socket.Socket, level, name int, p ...byte) error { return s.SetSockOpt(level, name, p) }
		loopback := []byte{127, 0, 0, 1}
		six := make([]byte, 20)
		copy(six, net.ParseIP("2001:db8::1"))
		far := append(append([]byte{}, net.ParseIP("ff02::1234")...), 0xff, 0xff, 0xff, 0x7f)
		many := make([]int, 300)
		for _, c := range []struct {
			err error
			is  error
			has string
		}{
			{send(make([]byte, socket.ControlMost+1)), socket.ErrValue, "65537 bytes must have at most 65536"},
			{send(socket.Rights(many...)), syscall.EINVAL, "sendmsg"},
			{send(socket.Rights(1 << 20)), syscall.EBADF, "sendmsg"},
			{recvErr(s, socket.ControlMost+1), socket.ErrValue, "room of 65537 bytes"},
			{join(udp, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, append([]byte{10, 0, 0, 1}, loopback...)...), syscall.EINVAL,
				"10.0.0.1 is no multicast group"},
			{join(udp, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, 239, 1, 2, 3, 192, 0, 2, 77), syscall.ENODEV,
				"group 239.1.2.3 at the interface with 192.0.2.77"},
			{join(udp, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, 239, 1, 2, 3, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f), syscall.ENODEV,
				"group 239.1.2.3 at interface 2147483647"},
			{join(udp, socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, append([]byte{239, 1, 2, 3}, loopback...)...), syscall.EADDRNOTAVAIL,
				"the socket is in no group 239.1.2.3"},
			{join(udp, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, 239, 1), syscall.EINVAL, "a membership of 2 bytes: must be 8"},
			{join(udp6, socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, six...), syscall.EINVAL, "2001:db8::1 is no multicast group"},
			{join(udp6, socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, far...), syscall.ENODEV, "group ff02::1234 at interface 2147483647"},
			{join(udp6, socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, far...), nil, "the socket is in no group ff02::1234"},
			{join(udp6, socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, 1), syscall.EINVAL, "a membership of 1 bytes: must be 20"},
		} {
			if c.err == nil || c.is != nil && !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.has) {
				t.Errorf("%v; want %v, %q", c.err, c.is, c.has)
			}
		}
		must(t, s.SetBlocking(false))
		if n, _, err := s.RecvMsg(make([]byte, 9), 100, 0); !errors.Is(err, syscall.EAGAIN) {
			t.Errorf("%d bytes were sent with what was refused, %v", n, err)
		}
		must(t, send(socket.Rights(0))) // the socket can still be used
		n, m, err := s.RecvMsg(make([]byte, 9), 100, 0)
		if n != 1 || err != nil || len(m.Rights()) != 1 {
			t.Errorf("%d, %v, %v", n, m.Rights(), err)
		}
		for _, fd := range m.Rights() {
			unix.Close(fd)
		}
	})
}

func recvErr(s *socket.Socket, room int) error {
	_, _, err := s.RecvMsg(nil, room, 0)
	return err
}

// ListenMulticastUDP returns the same error as package net for a group that does not exist. The
// error names the group.
func TestListenMulticastErrsAsNet(t *testing.T) {
	balanced(t, func() {
		for _, at := range []*net.UDPAddr{
			{IP: net.IPv4(10, 0, 0, 1), Port: 0}, {IP: net.IPv4(127, 0, 0, 1), Port: 0}, {IP: net.ParseIP("2001:db8::1")},
			{IP: net.IPv4(239, 1, 2, 3), Port: 70000}, {IP: net.IPv4(239, 1, 2, 3)}, {IP: net.ParseIP("ff02::1234")}, nil,
		} {
			for _, ifi := range []*net.Interface{nil, {Index: 1 << 30, Name: "none0"}} {
				c, want := net.ListenMulticastUDP("udp", ifi, at)
				want = closed(c, want)
				d, got := netconn.ListenMulticastUDP("udp", ifi, at)
				got = closed(d, got)
				if fmt.Sprint(want) != fmt.Sprint(got) {
					t.Errorf("%v at %v: %v, package net: %v", at, ifi, got, want)
				}
				if at != nil && got != nil && !strings.Contains(got.Error(), at.IP.String()) {
					t.Errorf("%v does not name %v", got, at)
				}
			}
		}
	})
}
