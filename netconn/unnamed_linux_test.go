package netconn_test

import (
	"net"
	"testing"
)

// An unbound Unix connection has the same addresses as in package net: LocalAddr and RemoteAddr on
// both of its sides. Programs use these addresses to decide whether a peer is local.
func TestUnnamedUnixPeersAreThoseOfPackageNet(t *testing.T) {
	var want []string
	for _, s := range stacks {
		path := free(t, "unix")
		l, err := s.listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		d, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range []net.Addr{c.LocalAddr(), c.RemoteAddr(), d.LocalAddr(), d.RemoteAddr()} {
			text := a.Network() + " " + a.String()
			if a.String() == path {
				text = a.Network() + " the path"
			}
			got = append(got, text)
		}
		c.Close()
		d.Close()
		l.Close()
		if want == nil {
			want = got
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: address %d is %q, package net's is %q", s.name, i, got[i], want[i])
			}
		}
	}
}
