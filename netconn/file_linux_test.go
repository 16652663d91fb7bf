package netconn_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/netconn"
)

// filePackage has the functions about files that both packages have.
type filePackage struct {
	msgPackage
	conn     func(*os.File) (net.Conn, error)
	listener func(*os.File) (net.Listener, error)
	packets  func(*os.File) (net.PacketConn, error)
}

// withFiles adds the functions about files to a msgPackage.
func withFiles(t *testing.T, p msgPackage) filePackage {
	if strings.HasSuffix(t.Name(), "/netconn") {
		return filePackage{p, netconn.FileConn, netconn.FileListener, netconn.FilePacketConn}
	}
	return filePackage{p, net.FileConn, net.FileListener, net.FilePacketConn}
}

type filer interface{ File() (*os.File, error) }

// File, FileConn, FileListener and FilePacketConn have the same results as in package net: for
// connections of each network, and for files that are no sockets.
func TestFilesAsNet(t *testing.T) {
	asNet(t, func(t *testing.T, mp msgPackage, say func(string, ...any)) {
		p := withFiles(t, mp)
		collectNothing(t)
		dir := t.TempDir()
		file := func(c any) *os.File {
			t.Helper()
			f, err := c.(filer).File()
			if err != nil {
				t.Fatal(err)
			}
			say("file %s", f.Name())
			t.Cleanup(func() { f.Close() })
			return f
		}
		kind := func(x any) string { // the name of the type without the package
			text := fmt.Sprintf("%T", x)
			switch text {
			case "*netconn.Conn":
				return "TCPConn"
			case "*netconn.Listener":
				return "TCPListener"
			case "*netconn.PacketConn":
				return "UDPConn"
			}
			return text[strings.Index(text, ".")+1:]
		}
		for _, network := range []string{"tcp", "unix", "unixpacket"} {
			addr := map[bool]string{true: "127.0.0.1:0", false: dir + "/s"}[network == "tcp"]
			l, err := p.listen(network, addr)
			if err != nil {
				t.Fatal(err)
			}
			l2, err := p.listener(file(l))
			if err != nil {
				t.Fatal(err)
			}
			say("%s %s %v", network, kind(l2), l2.Addr())
			c, err := p.dial(network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			a, err := l2.Accept()
			if err != nil {
				t.Fatal(err)
			}
			f := file(c)
			c2, err := p.conn(f)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
			f.Close()
			say("%s %v %v %s", kind(c2), c2.LocalAddr(), c2.RemoteAddr(), c2.LocalAddr().Network())
			fmt.Fprint(c2, "one")
			fmt.Fprint(c2, "two")
			b := make([]byte, 3)
			_, err = io.ReadFull(a, b)
			say("%s %v", b, err)
			n, err := a.Read(make([]byte, 10))
			say("%d %v", n, err)
			c2.Close()
			n, err = a.Read(b)
			say("%d %v", n, err)
			_, err = c.(filer).File()
			say("closed: %v", err)
			_, err = p.packets(file(a))
			say("not of packets: %v", err != nil)
			l2.Close()
			_, err = os.Stat(dir + "/s")
			say("the file is there: %v", err == nil)
			l.Close()
			_, err = l.(filer).File()
			say("closed: %v", err)
			a.Close()
		}
		for _, network := range []string{"udp4", "unixgram"} {
			addr := map[string]string{"udp4": "127.0.0.1:0", "unixgram": dir + "/s2"}[network]
			pc, err := p.listenPacket(network, addr)
			if err != nil {
				t.Fatal(err)
			}
			pc2, err := p.packets(file(pc))
			if err != nil {
				t.Fatal(err)
			}
			say("%s %v", kind(pc2), pc2.LocalAddr())
			c, err := p.dial(network, pc.LocalAddr().String())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(c, "datagram")
			b := make([]byte, 20)
			n, _, err := pc2.ReadFrom(b)
			say("%s %v", b[:n], err)
			_, err = p.listener(file(pc))
			say("not a listener: %v", err)
			pc.Close()
			pc2.Close()
			c.Close()
		}
		null, err := os.Open("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		link, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		if err != nil {
			t.Fatal(err)
		}
		closed := os.NewFile(1<<20, "closed")
		before := openFiles(t)
		netlink := os.NewFile(uintptr(link), "netlink")
		defer netlink.Close()
		for _, f := range []*os.File{null, netlink, closed} {
			_, err := p.conn(f)
			say("conn: %v", err)
			_, err = p.listener(f)
			say("listener: %v", err)
			_, err = p.packets(f)
			say("packets: %v", err)
		}
		flags, err := unix.FcntlInt(uintptr(link), unix.F_GETFL, 0)
		// Package net changes these flags, and netconn does not.
		if flags&unix.O_NONBLOCK != 0 && strings.HasSuffix(t.Name(), "/netconn") {
			t.Errorf("the refused socket's flags have changed: %#x, %v", flags, err)
		}
		say("leaked %d", openFiles(t)-before)
		null.Close()
	})
}

// openedByFile returns what FileConn or FileListener makes of a socket that has no options.
func openedByFile(t *testing.T, s stack, call string) any {
	t.Helper()
	conn, listener := net.FileConn, net.FileListener
	if s.name == "netconn" {
		conn, listener = netconn.FileConn, netconn.FileListener
	}
	var fds [2]int // a listener and a client
	for i := range fds {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		defer unix.Close(fd)
		fds[i] = fd
	}
	file := func(fd int) *os.File {
		fd, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		must(t, err)
		f := os.NewFile(uintptr(fd), "socket")
		t.Cleanup(func() { f.Close() })
		return f
	}
	must(t, unix.Bind(fds[0], &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(t, unix.Listen(fds[0], 1))
	at, err := unix.Getsockname(fds[0])
	must(t, err)
	must(t, unix.Connect(fds[1], at))
	if call == "file" {
		c, err := conn(file(fds[1]))
		must(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	l, err := listener(file(fds[0]))
	must(t, err)
	t.Cleanup(func() { l.Close() })
	c, err := l.Accept()
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}
