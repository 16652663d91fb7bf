//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"testing"

	"github.com/ureactor/ureactor/netconn"
)

// ClientHelloInfo.Conn has the same addresses as the real connection.
func TestClientHelloHasTheAddresses(t *testing.T) {
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type seen struct{ local, remote string }
	hello := make(chan seen, 1)
	cfg := serverConfig()
	cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		hello <- seen{h.Conn.LocalAddr().String(), h.Conn.RemoteAddr().String()}
		return nil, nil
	}
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
			err = netconn.Server(c, cfg).Handshake()
		}
		done <- err
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := tls.Client(c, clientConfig()).Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want := seen{c.RemoteAddr().String(), c.LocalAddr().String()}
	if got := <-hello; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// WriteTo with an address of another network returns an error and 0 bytes, and sends no datagram.
func TestWriteToAWrongAddressCountsNothing(t *testing.T) {
	for network, wrong := range map[string]net.Addr{"udp": &net.UnixAddr{Name: "x", Net: "unixgram"}, "unixgram": &net.UDPAddr{Port: 9}} {
		c, err := netconn.ListenPacket(network, free(t, network))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		d, err := net.ListenPacket(network, free(t, network))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		n, got := c.WriteTo([]byte("xyz"), wrong)
		m, want := d.WriteTo([]byte("xyz"), wrong)
		if n != m {
			t.Errorf("%s: %d bytes, net: %d", network, n, m)
		}
		if (got == nil) != (want == nil) {
			t.Errorf("%s: %v, net: %v", network, got, want)
		}
	}
}

// As in package net, an empty address means any address and a free port.
func TestEmptyAddressIsAnyAddress(t *testing.T) {
	for _, network := range []string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"} {
		var got, want []string
		for i, s := range stacks {
			to := &want
			if i == 1 {
				to = &got
			}
			if network[0] == 't' {
				l, err := s.listen(network, "")
				*to = append(*to, fmt.Sprint(err))
				if err == nil {
					*to = append(*to, typedAddr(l.Addr(), false))
					l.Close()
				}
				continue
			}
			c, err := s.listenPacket(network, "")
			*to = append(*to, fmt.Sprint(err))
			if err == nil {
				*to = append(*to, typedAddr(c.LocalAddr(), false))
				c.Close()
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, net: %v", network, got, want)
		}
	}
}

// As in package net, a multicast group can be joined on any interface or on a given one.
func TestMulticastListenersAreThoseOfPackageNet(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	list := []*net.Interface{nil, {Index: 9999, Name: "nonesuch"}}
	for i := range interfaces {
		list = append(list, &interfaces[i])
	}
	for _, network := range []string{"udp", "udp4", "udp6", "tcp", ""} {
		for _, ifi := range list {
			for _, group := range []string{"224.0.0.251", "ff02::fb", "127.0.0.1", ""} {
				_, to := address(group, 0)
				what := fmt.Sprintf("%s %v %s", network, ifi, group)
				a, e := netconn.ListenMulticastUDP(network, ifi, to)
				b, f := net.ListenMulticastUDP(network, ifi, to)
				if (e == nil) != (f == nil) {
					t.Errorf("%s: %v, net: %v", what, e, f)
				}
				if e == nil && f == nil && a.LocalAddr().Network() != b.LocalAddr().Network() {
					t.Errorf("%s: %v, net: %v", what, a.LocalAddr(), b.LocalAddr())
				}
				if e == nil {
					a.Close()
				}
				if f == nil {
					b.Close()
				}
			}
		}
	}
}

// As in package net, closing the Cancel channel of a Dialer ends the dial.
func TestCancelChannelEndsADial(t *testing.T) {
	cancel := make(chan struct{})
	close(cancel)
	to := full(t, "tcp")
	_, got := (&netconn.Dialer{Cancel: cancel}).Dial("tcp", to)
	_, want := (&net.Dialer{Cancel: cancel}).Dial("tcp", to)
	same(t, "Dial", got, want)
}
