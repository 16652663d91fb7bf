//go:build linux || freebsd || darwin || openbsd

package kernel

import (
	"net/netip"
	"strings"
	"testing"
)

func openUDP(t *testing.T, a Addr, ask bool) (int, Addr) {
	t.Helper()
	fd, e := Host.Socket(a.Family, SOCK_DGRAM, 0)
	if e == EAFNOSUPPORT {
		t.Skip("no such family here")
	}
	if e != 0 {
		t.Fatal(e)
	}
	t.Cleanup(func() { Host.Close(fd) })
	if a.Family == AF_INET6 {
		Host.SetOpt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)
	}
	if e := Host.Bind(fd, a); e != 0 {
		t.Skip(a, e)
	}
	if ask {
		AskLocal(Host, fd, a.Family)
	}
	at, e := Host.LocalAddr(fd)
	if e != 0 {
		t.Fatal(e)
	}
	return fd, at
}

// receive waits for one datagram, which it receives with RecvBatch or with RecvMsg.
func receive(t *testing.T, fd int, batch bool, p *Packet) {
	t.Helper()
	for {
		if ready, e := Host.Ready(fd); e != 0 {
			t.Fatal(e)
		} else if ready == 0 {
			continue
		}
		e := EAGAIN
		if batch {
			b := &Batch{Packets: []Packet{*p}, Locals: true}
			if n, f := Host.RecvBatch(fd, b); n == 1 {
				*p, e = b.Packets[0], 0
			} else {
				e = f
			}
		} else {
			e = Host.RecvMsg(fd, p, 0)
		}
		if e == 0 {
			return
		}
		if e != EAGAIN {
			t.Fatal(e)
		}
	}
}

// A socket that is bound to the wildcard address gets the local address of each request. An answer
// is sent from that address. If the machine does not have the address, the kernel chooses one. The
// test uses single calls and batches. (Only Linux has all addresses of 127.0.0.0/8.)
func TestLocalAddresses(t *testing.T) {
	here := Inet(netip.MustParseAddrPort("127.0.0.2:1"))
	if fd, e := Host.Socket(AF_INET, SOCK_DGRAM, 0); e != 0 || Host.Bind(fd, Addr{Family: AF_INET, IP: here.IP}) != 0 {
		t.Skip("this machine has no 127.0.0.2")
	} else {
		Host.Close(fd)
	}
	for _, family := range []int{AF_INET, AF_INET6} {
		server, at := openUDP(t, Addr{Family: family}, true)
		for _, batch := range []bool{false, true} {
			for _, ip := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"} {
				ask := netip.AddrPortFrom(netip.MustParseAddr(ip), at.Port)
				if family == AF_INET && ask.Addr().Is6() {
					continue
				}
				own := Addr{Family: AF_INET}
				if ask.Addr().Is6() {
					own = Addr{Family: AF_INET6}
				}
				client, _ := openUDP(t, own, false)
				if e := Host.SendMsg(client, &Packet{Buf: []byte("ask"), N: 3, Addr: Inet(ask)}, 0); e != 0 {
					t.Fatal(ip, e)
				}
				p := Packet{Buf: make([]byte, 10)}
				receive(t, server, batch, &p)
				if got := p.Local.AddrPort().Addr().Unmap(); got != ask.Addr() || p.Local.Family != family || string(p.Buf[:p.N]) != "ask" {
					t.Fatalf("asked at %s, told %s of family %d with %q", ip, got, p.Local.Family, p.Buf[:p.N])
				}
				p.N = copy(p.Buf, "answer")
				if batch {
					if n, e := Host.SendBatch(server, &Batch{Packets: []Packet{p}}, 1); n != 1 || e != 0 {
						t.Fatal(n, e)
					}
				} else if e := Host.SendMsg(server, &p, 0); e != 0 {
					t.Fatal(e)
				}
				back := Packet{Buf: make([]byte, 10)}
				receive(t, client, batch, &back)
				if back.Addr.AddrPort() != ask {
					t.Errorf("asked at %s, the answer comes from %s", ip, back.Addr)
				}
				// This machine does not have them.
				for _, local := range []string{"192.0.2.1", "255.255.255.255"} {
					p.Local = Inet(netip.AddrPortFrom(netip.MustParseAddr(local), 0))
					if family == AF_INET6 {
						p.Local = Inet(netip.AddrPortFrom(netip.AddrFrom16(netip.MustParseAddr(local).As16()), 0))
					}
					if e := Host.SendMsg(server, &p, 0); e != 0 {
						t.Errorf("leaving from %s: %v", local, e)
						continue
					}
					receive(t, client, batch, &back)
				}
			}
		}
	}
}

// A datagram that does not fit in the buffer is marked as cut. One that fits exactly is not.
func TestCutDatagramsAreMarked(t *testing.T) {
	server, at := openUDP(t, Inet(netip.MustParseAddrPort("127.0.0.1:0")), false)
	client, _ := openUDP(t, Inet(netip.MustParseAddrPort("127.0.0.1:0")), false)
	for _, batch := range []bool{false, true} {
		for _, size := range []int{0, 9, 10, 11, 1000} {
			if e := Host.SendMsg(client, &Packet{Buf: []byte(strings.Repeat("x", size)), N: size, Addr: at}, 0); e != 0 {
				t.Fatal(e)
			}
			p := Packet{Buf: make([]byte, 10)}
			receive(t, server, batch, &p)
			if p.N != min(size, 10) || p.Cut != (size > 10) {
				t.Errorf("%d bytes into 10: %d, cut %t", size, p.N, p.Cut)
			}
		}
	}
}
