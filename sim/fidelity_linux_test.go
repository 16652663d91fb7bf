package sim_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// scenarios contains situations that random scripts of connected sockets do not reach. In each of
// them the simulated kernel had differed from Linux.
var scenarios = map[string]func(b *bench){
	"F1 datagrams to a Unix socket that does not read": func(b *bench) {
		for _, mutual := range []bool{false, true} {
			r, s := b.socket(kernel.AF_UNIX, kernel.SOCK_DGRAM), b.socket(kernel.AF_UNIX, kernel.SOCK_DGRAM)
			b.k.Bind(r, kernel.Unix(""))
			b.k.Bind(s, kernel.Unix(""))
			ra, _ := b.k.LocalAddr(r)
			sa, _ := b.k.LocalAddr(s)
			b.say("connect", b.k.Connect(s, ra))
			if mutual {
				b.say("connect back", b.k.Connect(r, sa))
			}
			n, e := 0, kernel.Errno(0)
			for ; e == 0; n++ {
				_, e = b.k.Send(s, make([]byte, 100), 0)
			}
			if mutual {
				b.say("more than the queue", n, e)
			} else {
				b.say("sent", n-1, e)
			}
			b.ready("full", s)
			for _, n := range []int{100, 100, 50, 10, 100} {
				for range n {
					b.k.Recv(r, make([]byte, 100), 0)
				}
				b.ready("read", s)
			}
		}
	},
	"F2 connect again": func(b *bench) {
		_, at := b.listen(kernel.AF_INET, anyPort, 1)
		fd := b.tcp()
		b.say("connect", b.k.Connect(fd, at))
		b.wait()
		b.say("again", b.k.Connect(fd, at))
		b.say("again", b.k.Connect(fd, at))
	},
	"F2 an accepted socket connects": func(b *bench) {
		l, at := b.listen(kernel.AF_INET, anyPort, 1)
		fd := b.tcp()
		b.k.Connect(fd, at)
		b.wait()
		c, _, e := b.k.Accept(l)
		b.open = append(b.open, c)
		b.say("accept", e)
		b.say("connect", b.k.Connect(c, at))
	},
	"F3 refused, by SO_ERROR": func(b *bench) {
		hole := b.tcp()
		b.k.Bind(hole, anyPort)
		at, _ := b.k.LocalAddr(hole)
		fd := b.tcp()
		b.say("connect", b.k.Connect(fd, at))
		b.wait()
		n, e := b.k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR)
		b.say("SO_ERROR", kernel.Errno(n), e)
		b.say("again", b.k.Connect(fd, at))
		b.say("again", b.k.Connect(fd, at))
	},
	"F4 values out of range": func(b *bench) {
		fd, u := b.tcp(), b.udp()
		b.set("KEEPIDLE", fd, kernel.IPPROTO_TCP, kernel.TCP_KEEPIDLE, -1, 0, 1, 32767, 32768, 100000)
		b.set("KEEPINTVL", fd, kernel.IPPROTO_TCP, kernel.TCP_KEEPINTVL, -1, 0, 1, 32767, 32768)
		b.set("KEEPCNT", fd, kernel.IPPROTO_TCP, kernel.TCP_KEEPCNT, -1, 0, 1, 127, 128)
		b.set("USER_TIMEOUT", fd, kernel.IPPROTO_TCP, kernel.TCP_USER_TIMEOUT, -1, 0, 5000)
		b.set("TTL", fd, kernel.IPPROTO_IP, kernel.IP_TTL, -2, 0, 1, 255, 256, -1)
		b.set("MULTICAST_TTL", u, kernel.IPPROTO_IP, kernel.IP_MULTICAST_TTL, -2, 0, 255, 256, -1)
		for _, v := range []int{1, 87, 88, 32767, 32768} {
			b.say(fmt.Sprint("MAXSEG ", v), b.k.SetOpt(fd, kernel.IPPROTO_TCP, kernel.TCP_MAXSEG, v))
		}
		six := b.tcp6()
		b.set("HOPS", six, kernel.IPPROTO_IPV6, kernel.IPV6_UNICAST_HOPS, -2, -1, 0, 255, 256)
	},
	"F5 options of Linux alone": func(b *bench) {
		const domain, protocol, priority, cork, quickack = 39, 38, 12, 3, 12
		for _, fd := range []int{b.tcp(), b.udp(), b.tcp6(), b.socket(kernel.AF_UNIX, kernel.SOCK_STREAM)} {
			b.get("DOMAIN", fd, kernel.SOL_SOCKET, domain)
			b.get("PROTOCOL", fd, kernel.SOL_SOCKET, protocol)
			b.set("PRIORITY", fd, kernel.SOL_SOCKET, priority, 0, 6)
			b.say("set DOMAIN", b.k.SetOpt(fd, kernel.SOL_SOCKET, domain, 2))
		}
		fd := b.tcp()
		b.set("CORK", fd, kernel.IPPROTO_TCP, cork, 1, 7, 0)
		p := binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint64(nil, 3), 250_000)
		q := make([]byte, 16)
		for _, name := range []int{kernel.SO_RCVTIMEO, kernel.SO_SNDTIMEO} {
			n, e := b.k.GetOptBytes(fd, kernel.SOL_SOCKET, name, q)
			b.say("fresh TIMEO", n, e, binary.NativeEndian.Uint64(q), binary.NativeEndian.Uint64(q[8:]))
			b.say("set TIMEO", b.k.SetOptBytes(fd, kernel.SOL_SOCKET, name, p))
			n, e = b.k.GetOptBytes(fd, kernel.SOL_SOCKET, name, q)
			b.say("TIMEO", n, e, binary.NativeEndian.Uint64(q))
			b.say("too many µs", b.k.SetOptBytes(fd, kernel.SOL_SOCKET, name, binary.NativeEndian.AppendUint64(p[:8:8], 1_000_000)))
			b.say("short", b.k.SetOptBytes(fd, kernel.SOL_SOCKET, name, p[:4]))
		}
	},
	"F6 SO_RCVLOWAT": func(b *bench) {
		l, at := b.listen(kernel.AF_INET, anyPort, 1)
		fd := b.tcp()
		b.k.Connect(fd, at)
		b.wait()
		c, _, _ := b.k.Accept(l)
		b.open = append(b.open, c)
		b.set("RCVLOWAT", fd, kernel.SOL_SOCKET, kernel.SO_RCVLOWAT, 10)
		b.k.Send(c, []byte("12345"), 0)
		b.wait()
		b.ready("5 bytes", fd)
		b.k.Send(c, []byte("67890"), 0)
		b.wait()
		b.ready("10 bytes", fd)
	},
	"F7 a broadcast without leave": func(b *bench) {
		fd := b.udp()
		_, e := b.k.SendTo(fd, []byte("x"), 0, in("255.255.255.255:9"))
		b.say("send", e == kernel.EACCES || e == kernel.ENETUNREACH)
	},
	"F8 how many datagrams a buffer has": func(b *bench) {
		for _, size := range []int{1, 100, 1000} {
			r, s := b.udp(), b.udp()
			b.k.Bind(r, anyPort)
			at, _ := b.k.LocalAddr(r)
			for range 1000 {
				b.k.SendTo(s, make([]byte, size), 0, at)
			}
			b.wait()
			n := 0
			for ; ; n++ {
				if _, e := b.k.Recv(r, make([]byte, size), 0); e != 0 {
					break
				}
			}
			b.say(fmt.Sprint("of ", size, " bytes"), n)
		}
	},
	"F9 listen(-1)": func(b *bench) {
		l, at := b.listen(kernel.AF_INET, anyPort, -1)
		for range 20 {
			b.k.Connect(b.tcp(), at)
		}
		b.wait()
		n := 0
		for ; ; n++ {
			c, _, e := b.k.Accept(l)
			if e != 0 {
				break
			}
			b.open = append(b.open, c)
		}
		b.say("accepted", n)
	},
	"F10 a Unix listener with a queue closes": func(b *bench) {
		l, at := b.listen(kernel.AF_UNIX, kernel.Unix(""), 1)
		fd := b.socket(kernel.AF_UNIX, kernel.SOCK_STREAM)
		b.say("connect", b.k.Connect(fd, at))
		b.close(l)
		b.ready("closed", fd)
		_, e := b.k.Recv(fd, make([]byte, 1), 0)
		b.say("recv", e)
		_, e = b.k.Recv(fd, make([]byte, 1), 0)
		b.say("recv", e)
	},
	"F12 V6ONLY after bind": func(b *bench) {
		fd := b.tcp6()
		b.set("V6ONLY", fd, kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, 1, 0, 7)
		b.k.Bind(fd, in("[::1]:0"))
		b.set("V6ONLY", fd, kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, 0)
	},
	"F13 arguments that are not valid": func(b *bench) {
		fd, six := b.tcp(), b.tcp6()
		b.say("shutdown 3", b.k.Shutdown(fd, 3))
		b.say("shutdown -1", b.k.Shutdown(fd, -1))
		b.say("shutdown 3 of datagrams", b.k.Shutdown(b.udp(), 3))
		b.say("shutdown 3 of Unix", b.k.Shutdown(b.socket(kernel.AF_UNIX, kernel.SOCK_STREAM), 3))
		b.say("LINGER by int", b.k.SetOpt(fd, kernel.SOL_SOCKET, kernel.SO_LINGER, 1))
		b.say("connect link-local", b.k.Connect(six, in("[fe80::1]:9")))
		b.say("bind v4 to v6", b.k.Bind(six, anyPort))
		b.say("connect v4 on v6", b.k.Connect(six, in("127.0.0.1:9")))
		b.say("bind v6 to v4", b.k.Bind(fd, in("[::1]:0")))
		b.k.SetOpt(six, kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, 1)
		b.say("bind mapped on V6ONLY", b.k.Bind(six, in("[::ffff:127.0.0.1]:0")))
		b.say("connect mapped on V6ONLY", b.k.Connect(six, in("[::ffff:127.0.0.1]:9")))
	},
	"F14 fresh options": func(b *bench) {
		fd, u, six := b.tcp(), b.udp(), b.tcp6()
		b.get("KEEPIDLE", fd, kernel.IPPROTO_TCP, kernel.TCP_KEEPIDLE)
		b.get("KEEPINTVL", fd, kernel.IPPROTO_TCP, kernel.TCP_KEEPINTVL)
		b.get("KEEPCNT", fd, kernel.IPPROTO_TCP, kernel.TCP_KEEPCNT)
		b.get("USER_TIMEOUT", fd, kernel.IPPROTO_TCP, kernel.TCP_USER_TIMEOUT)
		b.get("TTL", fd, kernel.IPPROTO_IP, kernel.IP_TTL)
		b.get("MAXSEG", fd, kernel.IPPROTO_TCP, kernel.TCP_MAXSEG)
		b.get("RCVLOWAT", fd, kernel.SOL_SOCKET, kernel.SO_RCVLOWAT)
		b.get("MULTICAST_TTL", u, kernel.IPPROTO_IP, kernel.IP_MULTICAST_TTL)
		b.get("MULTICAST_LOOP", u, kernel.IPPROTO_IP, kernel.IP_MULTICAST_LOOP)
		b.get("HOPS", six, kernel.IPPROTO_IPV6, kernel.IPV6_UNICAST_HOPS)
		b.get("MULTICAST_HOPS", six, kernel.IPPROTO_IPV6, kernel.IPV6_MULTICAST_HOPS)
		for name, o := range map[string]int{"REUSEADDR": kernel.SO_REUSEADDR, "REUSEPORT": kernel.SO_REUSEPORT, "KEEPALIVE": kernel.SO_KEEPALIVE,
			"BROADCAST": kernel.SO_BROADCAST, "OOBINLINE": kernel.SO_OOBINLINE, "DONTROUTE": kernel.SO_DONTROUTE} {
			if n, e := b.k.GetOpt(fd, kernel.SOL_SOCKET, o); n != 0 || e != 0 {
				b.say("fresh "+name, n, e)
			}
			b.k.SetOpt(fd, kernel.SOL_SOCKET, o, 7)
			if n, e := b.k.GetOpt(fd, kernel.SOL_SOCKET, o); n != 1 || e != 0 {
				b.say(name+" set to 7", n, e)
			}
		}
	},
	"NODELAY of datagrams": func(b *bench) {
		b.set("NODELAY", b.udp(), kernel.IPPROTO_TCP, kernel.TCP_NODELAY, 1)
		b.set("NODELAY", b.tcp(), kernel.IPPROTO_TCP, kernel.TCP_NODELAY, 1, 7, 0)
	},
	"bind of a connection that is over": func(b *bench) {
		l, at := b.listen(kernel.AF_INET, anyPort, 2)
		for _, reset := range []bool{false, true} {
			fd := b.tcp()
			b.k.Connect(fd, at)
			b.wait()
			c, _, _ := b.k.Accept(l)
			if reset {
				b.k.Send(fd, []byte("x"), 0)
				b.wait()
			} else {
				b.k.Shutdown(fd, kernel.SHUT_WR)
			}
			b.k.Close(c)
			b.wait()
			b.wait()
			b.k.Recv(fd, make([]byte, 1), 0)
			b.say("bind", b.k.Bind(fd, anyPort))
		}
	},
}

// Each scenario has the same results, line by line, on the host's kernel and on a simulated one.
// Scenario F11 is a test of its own, TestConnectsToTwoAddressesShareAPort, because it needs all
// ports of a host.
func TestScenariosEndAsOnTheHost(t *testing.T) {
	for name, run := range scenarios {
		t.Run(name, func(t *testing.T) {
			w := sim.New(2, sim.Options{})
			defer w.Close()
			host := &bench{t: t, k: kernel.Host, wait: func() { time.Sleep(2 * time.Millisecond) }}
			simulated := &bench{t: t, k: w.Host("10.0.0.1"), wait: func() { must(t, w.Run(100*time.Millisecond)) }}
			for _, b := range []*bench{host, simulated} {
				run(b)
				for _, fd := range b.open {
					if fd >= 0 {
						b.k.Close(fd)
					}
				}
			}
			for i := range max(len(host.said), len(simulated.said)) {
				line := func(b *bench) string {
					if i < len(b.said) {
						return b.said[i]
					}
					return "nothing"
				}
				if line(host) != line(simulated) {
					t.Errorf("line %d: host %q, simulated %q", i, line(host), line(simulated))
				}
			}
		})
	}
}
