//go:build unix

package socket_test

import (
	"errors"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
)

// No call makes more system calls than it needs. An Accept or Recv that does not wait makes one,
// and a second Connect makes none.
func TestCallsOfTheKernelAreFew(t *testing.T) {
	onCounted(t, func(l *lab, k *counted) {
		ln, c := l.listener(), l.tcp()
		l.must(ln.SetBlocking(false))
		_, _, err := ln.Accept()
		l.errno(err, syscall.EAGAIN)
		if k.accepts != 1 {
			l.t.Errorf("%d calls of accept, want 1", k.accepts)
		}
		l.must(c.Connect(l.addr(ln)))
		local := l.socket(socket.AF_UNIX, stream)
		at := socket.Path(longtest.SocketPath(l.t))
		l.must(local.Bind(at))
		l.must(local.Listen(1))
		u := l.socket(socket.AF_UNIX, stream)
		l.must(u.Connect(at))
		k.connects = 0
		l.errno(c.Connect(l.addr(ln)), syscall.EISCONN)
		l.errno(u.Connect(at), syscall.EISCONN)
		if k.connects != 0 {
			l.t.Errorf("%d calls of connect on connected sockets, want none", k.connects)
		}
		l.must(ln.SetBlocking(true))
		s, _, err := ln.Accept()
		l.must(err)
		l.send(c, "abc")
		l.readable(l.own(s))
		k.recvs = 0
		l.recv(s, 9, "abc")
		if k.recvs != 1 {
			l.t.Errorf("%d calls of recv, want 1", k.recvs)
		}
	})
}

// FromFD asks the kernel for the peer of the descriptor. Later calls do not ask again.
func TestFromFDKnowsThePeer(t *testing.T) {
	onCounted(t, func(l *lab, k *counted) {
		c, s := l.pair()
		want, err := s.RemoteAddr()
		l.must(err)
		fd, err := s.Detach()
		l.must(err)
		s, err = socket.FromFDOn(l.r, fd)
		l.must(err)
		l.own(s)
		l.send(c, "x")
		k.peers = 0
		_, from, err := s.RecvFrom(1)
		if l.must(err); from != want || k.peers != 0 {
			l.t.Errorf("from %v after %d questions, want %v", from, k.peers, want)
		}
	})
}

// On systems where a second connect(2) does not report the result, Connect returns the error that
// the socket has.
func TestConnectReturnsTheSocketsError(t *testing.T) {
	for _, e := range []kernel.Errno{kernel.EHOSTUNREACH, kernel.EPERM} { // EPERM is 1
		onCounted(t, func(l *lab, k *counted) {
			k.pending = e
			k.connect = func(int) kernel.Errno { return kernel.EINPROGRESS }
			l.errno(l.tcp().Connect(socket.Tuple("127.0.0.1", 9)), e)
		})
	}
}

// On NetBSD a Connect after a refused attempt returns the error, if no other call has received it.
// If another call has received it, the socket cannot be used again. The error of Connect says so.
func TestConnectAfterARefusalOnNetBSD(t *testing.T) {
	for _, taken := range []bool{false, true} {
		simulated(t, sim.NetBSD, func(l *lab) {
			s, to := l.tcp(), l.refusing()
			l.must(s.SetBlocking(false))
			l.errno(s.Connect(to), syscall.EINPROGRESS)
			l.until("end of the attempt", func() bool { now, _ := l.k.Ready(s.Fileno()); return now != 0 })
			want := syscall.ECONNREFUSED
			if taken {
				n, err := s.GetSockOpt(socket.SOL_SOCKET, kernel.SO_ERROR)
				if l.must(err); n != int(want) {
					l.fatalf("SO_ERROR is %d", n)
				}
				want = syscall.EINVAL
			}
			l.errno(s.Connect(to), want)
		})
	}
}

// After ENOBUFS the error has the size of the control data, because that is the likely reason.
// Without control data the error is that of the system.
func TestSendMsgWithoutBuffers(t *testing.T) {
	onCounted(t, func(l *lab, k *counted) {
		s := l.udp()
		k.sendMsg = kernel.ENOBUFS
		for control, want := range map[string]bool{"": false, "c": true, "control": true} {
			n, err := s.SendMsg([]byte("x"), []byte(control), 0, l.addr(s))
			l.errno(err, syscall.ENOBUFS)
			if strings.Contains(err.Error(), "bytes of control data may be more than the system allows") != want || n != 0 {
				l.t.Errorf("%d, %v", n, err)
			}
		}
	})
}

// Arguments at a limit are accepted. A call that refuses an argument has sent and received nothing.
func TestLimitsOfMessages(t *testing.T) {
	parked(t, func(l *lab) {
		s := l.udp()
		l.must(s.SetBlocking(false))
		if _, err := s.SendMsg([]byte("x"), make([]byte, socket.ControlMost), 0, l.addr(s)); errors.Is(err, socket.ErrValue) {
			l.fatalf("control data at the limit: %v", err)
		}
		for _, x := range []struct{ room, flags int }{{-1, 0}, {socket.ControlMost + 1, 0}, {0, int(wide)}} {
			n, _, err := s.RecvMsg(make([]byte, 9), x.room, x.flags)
			if l.value(err); n != 0 {
				l.t.Errorf("%+v: %d bytes with an error", x, n)
			}
		}
	})
}

// If a receive returns fewer bytes than its buffer could hold, the socket is empty. That is true of
// TCP sockets only, also of those that Accept returns.
func TestOnlyTCPIsEmptyAfterAShortReceive(t *testing.T) {
	full := kernel.ReadsFully(kernel.Host)
	parked(t, func(l *lab) {
		for _, x := range []struct {
			family, typ, proto int
			want               bool
		}{
			{inet, stream, 0, full}, {inet, stream, socket.IPPROTO_TCP, full}, {inet, stream, socket.IPPROTO_SEC, full},
			{inet, dgram, 0, false}, {inet, dgram, socket.IPPROTO_UDP, false},
			{socket.AF_UNIX, stream, 0, false}, {socket.AF_UNIX, dgram, 0, false},
		} {
			s, err := l.make(x.family, x.typ, x.proto)
			l.must(err)
			if got := inside.Desc(l.own(s)).ShortIsAll; got != x.want {
				l.t.Errorf("%+v: %v", x, got)
			}
		}
		_, s := l.pair()
		if inside.Desc(s).ShortIsAll != full {
			l.t.Error("an accepted socket differs")
		}
	})
}

// If SO_RCVLOWAT is 2, Data waits for two bytes too. A bool sets the option like an int.
func TestDataWaitsForItsLeast(t *testing.T) {
	both(t, func(l *lab) {
		peer, s := l.pair()
		l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 2))
		l.send(peer, "a")
		l.ready(s, 1<<1) // writable: the byte may have come
		join := l.beside(func(l *lab) {
			l.asleep(s)
			l.send(peer, "b")
		})
		p, err := s.Data()
		l.data(p, err, "ab")
		join()
		l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 4))
		l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, true))
		l.send(peer, "c")
		l.recv(s, 9, "c")
	})
}

// The result of Recv has memory of its own, even if it is exactly as long as a scratch buffer.
func TestResultsOfRecvStay(t *testing.T) {
	parked(t, func(l *lab) {
		const size = 64 << 10
		a, b := l.socket(socket.AF_UNIX, dgram), l.socket(socket.AF_UNIX, dgram)
		at := socket.Path(longtest.SocketPath(l.t))
		l.must(b.Bind(at))
		l.must(b.SetSockOpt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4*size))
		l.must(a.SetSockOpt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4*size))
		var results [4][]byte
		for i := range results {
			if _, err := a.SendTo([]byte(strings.Repeat(string(rune('a'+i)), size)), at); err != nil {
				l.skip("no datagram of 64 KiB: " + err.Error())
			}
			p, err := b.Recv(size)
			l.must(err)
			results[i] = p
		}
		for i, p := range results {
			if len(p) != size || p[0] != byte('a'+i) || p[size-1] != byte('a'+i) {
				l.t.Errorf("result %d has %d bytes, and begins with %q", i, len(p), p[:1])
			}
		}
	})
}

// A Recv of one byte allocates only its result, and no buffer.
func TestRecvAllocatesItsResult(t *testing.T) {
	if raceEnabled {
		t.Skip("the pool drops buffers at random under the race detector")
	}
	if !longtest.Measures(t) {
		return
	}
	parked(t, func(l *lab) {
		c, s := l.pair()
		const rounds = 50
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			l.send(c, "x")
			l.recv(s, 1, "x")
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / rounds; each > 32<<10 {
			l.t.Errorf("%d bytes for each Recv", each)
		}
	})
}

// A link-local address may have the name of an interface as its zone. Other addresses have none.
func TestGetAddrInfoKnowsTheNamesOfInterfaces(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		list, err := socket.GetAddrInfo("fe80::1%"+i.Name, "80", 0, stream, 0, 0)
		if err != nil || len(list) != 1 || list[0].Addr != socket.Tuple6("fe80::1", 80, 0, i.Index) {
			t.Errorf("fe80::1%%%s: %v, %v", i.Name, list, err)
		}
		for _, host := range []string{"127.0.0.1%", "::1%", "x%", "fe80::1%%"} {
			if list, err := socket.GetAddrInfo(host+i.Name, "80", 0, stream, 0, 0); err == nil {
				t.Errorf("%s%s: %v", host, i.Name, list)
			}
		}
	}
}

// A socket that sends nothing unencrypted neither sends nor receives before TLS, by any call.
func TestSealedSocketsRefuseEachCall(t *testing.T) {
	parked(t, func(l *lab) {
		s, err := l.make(inet, stream, socket.IPPROTO_SEC)
		l.must(err)
		l.must(l.own(s).Connect(l.addr(l.listener())))
		for _, c := range append(append([]call{
			{"RecvMsg", func(s *socket.Socket) error { _, _, err := s.RecvMsg(make([]byte, 9), 0, 0); return err }},
			{"SendMsg", func(s *socket.Socket) error { _, err := s.SendMsg([]byte("x"), nil, 0, socket.Addr{}); return err }},
		}, receiving...), sending...) {
			if err := c.do(s); !errors.Is(err, syscall.EPROTO) {
				l.t.Errorf("%s: %v, want EPROTO", c.name, err)
			}
		}
	})
}
