//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
)

// A typedResult is the error of a call, or the addresses of its connection or listener. Ports that
// the kernel has chosen are left out.
type typedResult struct {
	err           error
	local, remote string
}

// typedAddr returns type and text of an address, without a port that the kernel has chosen.
func typedAddr(a net.Addr, port bool) string {
	switch b := a.(type) {
	case nil:
		return "none"
	case *net.UnixAddr:
		if strings.HasPrefix(b.Name, "@") { // the kernel has chosen the name
			return fmt.Sprintf("%T %s @", a, a.Network())
		}
	case *net.TCPAddr:
		c := *b
		if !port {
			c.Port = 0
		}
		a = &c
	case *net.UDPAddr:
		c := *b
		if !port {
			c.Port = 0
		}
		a = &c
	}
	return fmt.Sprintf("%T %s %s", a, a.Network(), a)
}

// dialled returns the typedResult of a dial, and closes the connection.
func dialled(c net.Conn, err error) typedResult {
	if err != nil {
		return typedResult{err: err}
	}
	defer c.Close()
	return typedResult{nil, typedAddr(c.LocalAddr(), false), typedAddr(c.RemoteAddr(), true)}
}

// listened returns the typedResult of a listen call, and closes the listener or the datagram
// socket.
func listened(l interface {
	Close() error
}, at func() net.Addr, err error) typedResult {
	if err != nil {
		return typedResult{err: err}
	}
	defer l.Close()
	return typedResult{nil, typedAddr(at(), false), ""}
}

// alike fails the test unless the two results are equal.
func alike(t *testing.T, what string, got, want typedResult) {
	t.Helper()
	same(t, what, got.err, want.err)
	if got.local != want.local || got.remote != want.remote {
		t.Errorf("%s: %s, %s\nnet: %s, %s", what, got.local, got.remote, want.local, want.remote)
	}
}

// alikeButFor is alike for a dial whose two addresses are both wrong. The error may then be about
// either of them.
func alikeButFor(t *testing.T, what string, local, remote error, got, want typedResult) {
	t.Helper()
	if local == nil || remote == nil {
		alike(t, what, got, want)
	} else if got.err == nil || want.err == nil {
		t.Errorf("%s: %v, net: %v", what, got.err, want.err)
	}
}

func address(text string, port int) (tcp *net.TCPAddr, udp *net.UDPAddr) {
	i := net.ParseIP(text)
	return &net.TCPAddr{IP: i, Port: port}, &net.UDPAddr{IP: i, Port: port}
}

// here returns local addresses of each kind: of both families, wildcard, with impossible ports or
// bytes, with an address or a zone of another machine, and nil.
func here() (tcp []*net.TCPAddr, udp []*net.UDPAddr) {
	for _, a := range []struct {
		ip   string
		port int
	}{{"", 0}, {"127.0.0.1", 0}, {"::1", 0}, {"0.0.0.0", 0}, {"::", 0}, {"127.0.0.1", -1}, {"", 65536}, {"192.0.2.1", 0}} {
		t, u := address(a.ip, a.port)
		tcp, udp = append(tcp, t), append(udp, u)
	}
	return append(tcp, nil, &net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "nonesuch"}, &net.TCPAddr{IP: net.IP{1, 2, 3}}),
		append(udp, nil, &net.UDPAddr{IP: net.ParseIP("fe80::1"), Zone: "nonesuch"}, &net.UDPAddr{IP: net.IP{1, 2, 3}})
}

// typedNetworks returns the networks of the tests below. With -short it returns a part of them.
func typedNetworks() []string {
	return []string{"tcp", "udp6", "unix", "nonesuch", "tcp4", "tcp6", "udp", "udp4", "unixgram", "", "ip"}[:longtest.Count(4, 11, 11)]
}

// Each typed function of package net and of netconn is called with each pair of a local and a
// remote address. Both packages return the same error, or a connection with the same addresses.
func TestTypedCallsAreThoseOfPackageNet(t *testing.T) {
	locals, localsUDP := here()
	server, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	port := server.Addr().(*net.TCPAddr).Port
	for _, network := range typedNetworks() {
		for i := range locals {
			l, u := locals[i], localsUDP[i]
			what := fmt.Sprintf("%s at %v", network, l)
			a, e := netconn.ListenTCP(network, l)
			b, wrong := net.ListenTCP(network, l)
			alike(t, "ListenTCP "+what, listened(a, func() net.Addr { return a.Addr() }, e), listened(b, func() net.Addr { return b.Addr() }, wrong))
			c, e := netconn.ListenUDP(network, u)
			d, f := net.ListenUDP(network, u)
			alike(t, "ListenUDP "+what, listened(c, func() net.Addr { return c.LocalAddr() }, e), listened(d, func() net.Addr { return d.LocalAddr() }, f))
			if wrong == nil {
				wrong = f
			}
			for _, to := range []string{"", "127.0.0.1", "::1", "bad port", "bad ip", "nil"} {
				r, v := address(to, port)
				switch to {
				case "bad port":
					r, v = address("127.0.0.1", 70_000)
				case "bad ip":
					r.IP, v.IP = net.IP{1}, net.IP{1}
				case "nil":
					r, v = nil, nil
				}
				what := fmt.Sprintf("%s from %v to %v", network, l, r)
				alone := dialled(asConn(net.DialTCP(network, nil, r))).err
				alikeButFor(t, "DialTCP "+what, wrong, alone, dialled(asConn(netconn.DialTCP(network, l, r))), dialled(asConn(net.DialTCP(network, l, r))))
				alone = dialled(asConn(net.DialUDP(network, nil, v))).err
				alikeButFor(t, "DialUDP "+what, wrong, alone, dialled(asConn(netconn.DialUDP(network, u, v))), dialled(asConn(net.DialUDP(network, u, v))))
			}
		}
	}
}

// asConn converts a nil pointer to a nil net.Conn.
func asConn[C net.Conn](c C, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// The typed functions for Unix sockets have the same results as in package net. Their paths are
// nil, empty, free, in use, or in a missing directory.
func TestTypedPathsAreThoseOfPackageNet(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) *net.UnixAddr { return &net.UnixAddr{Name: filepath.Join(dir, name)} }
	server, err := net.ListenUnix("unix", path("s"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	grams, err := net.ListenUnixgram("unixgram", path("g"))
	if err != nil {
		t.Fatal(err)
	}
	defer grams.Close()
	addrs := []*net.UnixAddr{nil, {}, path("free"), path("s"), path("g"), path("none/x")}
	named := func(a *net.UnixAddr, network string) *net.UnixAddr {
		if a == nil {
			return nil
		}
		return &net.UnixAddr{Name: a.Name, Net: network}
	}
	for _, network := range typedNetworks() {
		for _, at := range addrs {
			l := named(at, network)
			for _, to := range addrs {
				r := named(to, network)
				what := fmt.Sprintf("DialUnix %s from %v to %v", network, l, r)
				got := dialled(asConn(netconn.DialUnix(network, l, r)))
				remove(l)
				want := dialled(asConn(net.DialUnix(network, l, r)))
				remove(l)
				alike(t, what, got, want)
			}
			what := fmt.Sprintf("%s at %v", network, l)
			a, e := netconn.ListenUnix(network, l)
			got := listened(a, func() net.Addr { return a.Addr() }, e)
			remove(l)
			b, f := net.ListenUnix(network, l)
			want := listened(b, func() net.Addr { return b.Addr() }, f)
			remove(l)
			alike(t, "ListenUnix "+what, got, want)
			c, e := netconn.ListenUnixgram(network, l)
			got = listened(c, func() net.Addr { return c.LocalAddr() }, e)
			remove(l)
			d, f := net.ListenUnixgram(network, l)
			want = listened(d, func() net.Addr { return d.LocalAddr() }, f)
			remove(l)
			alike(t, "ListenUnixgram "+what, got, want)
		}
	}
}

// remove removes the file that a call may have made.
func remove(a *net.UnixAddr) {
	if a != nil && filepath.Base(a.Name) == "free" {
		_ = os.Remove(a.Name) // it may not exist
	}
}

// A Dialer with each kind of local address dials names and addresses of both families. The results
// are the same as in package net.
func TestLocalAddressesAreThoseOfPackageNet(t *testing.T) {
	server, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	tcp, udp := here()
	var locals []net.Addr
	for i := range tcp {
		locals = append(locals, tcp[i], udp[i])
	}
	locals = append(locals, nil, &net.UnixAddr{Name: "x", Net: "unix"}, &net.IPAddr{IP: net.IP{127, 0, 0, 1}})
	for _, network := range []string{"tcp", "udp6", "tcp4", "tcp6", "udp", "udp4"}[:longtest.Count(2, 6, 6)] {
		for _, local := range locals {
			for _, host := range []string{"", "localhost", "127.0.0.1", "::1"} {
				to := net.JoinHostPort(host, port)
				got := dialled((&netconn.Dialer{LocalAddr: local}).Dial(network, to))
				want := dialled((&net.Dialer{LocalAddr: local}).Dial(network, to))
				alike(t, fmt.Sprintf("%s from %T %v to %s", network, local, local, to), got, want)
			}
		}
	}
}
