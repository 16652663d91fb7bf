package sim

import (
	"bytes"
	"net/netip"
	"os"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
)

// bothKernels runs the test on the host's kernel and on a simulated Linux.
func bothKernels(t *testing.T, f func(t *testing.T, k kernel.Kernel)) {
	t.Run("host", func(t *testing.T) { f(t, kernel.Host) })
	t.Run("simulated", func(t *testing.T) {
		w := New(1, Options{})
		defer w.Close()
		h := w.Host("10.0.0.1")
		f(t, h)
		if n := h.Files(); n != 0 {
			t.Errorf("%d descriptors are left", n)
		}
	})
}

func opened(t *testing.T, k kernel.Kernel, family, typ int, at kernel.Addr) (int, kernel.Addr) {
	t.Helper()
	fd, e := k.Socket(family, typ, 0)
	if e != 0 {
		t.Fatal(e)
	}
	if at.Family != 0 {
		if e := k.Bind(fd, at); e != 0 {
			t.Fatal(e)
		}
	}
	a, _ := k.LocalAddr(fd)
	return fd, a
}

func ask(t *testing.T, k kernel.Kernel, fd, level, name int) {
	t.Helper()
	if e := k.SetOpt(fd, level, name, 1); e != 0 {
		t.Fatalf("option %d of level %d: %v", name, level, e)
	}
}

// A datagram's local address and ECN arrive as fields and as control messages, by one call and in
// a batch. Control data that has no room is reported.
func TestControlDataOfDatagrams(t *testing.T) {
	bothKernels(t, func(t *testing.T, k kernel.Kernel) {
		lo := kernel.Inet(netip.MustParseAddrPort("127.0.0.1:0"))
		in, at := opened(t, k, kernel.AF_INET, kernel.SOCK_DGRAM, kernel.Inet(netip.MustParseAddrPort("0.0.0.0:0")))
		out, _ := opened(t, k, kernel.AF_INET, kernel.SOCK_DGRAM, lo)
		defer k.Close(in)
		defer k.Close(out)
		ask(t, k, in, kernel.IPPROTO_IP, kernel.IP_RECVLOCAL)
		ask(t, k, in, kernel.IPPROTO_IP, kernel.IP_RECVTOS)
		lo.Port = at.Port
		send := func() {
			b := kernel.NewBatch(2, 8)
			for i := range b.Packets {
				b.Packets[i].N, b.Packets[i].Addr, b.Packets[i].ECN = copy(b.Packets[i].Buf, "mark"), lo, 2
			}
			if n, e := k.SendBatch(out, b, 2); n != 2 {
				t.Fatal(n, e)
			}
		}
		check := func(p *kernel.Packet, room int) {
			t.Helper()
			if string(p.Buf[:p.N]) != "mark" || p.ECN != 2 || p.Local.AddrPort().Addr().String() != "127.0.0.1" {
				t.Errorf("%q, ECN %d, at %v", p.Buf[:p.N], p.ECN, p.Local)
			}
			again := kernel.Packet{Addr: p.Addr}
			kernel.Decode(&again, p.Control[:p.ControlN])
			if room > 0 && (again.ECN != 2 || again.Local != p.Local || p.Flags != 0) {
				t.Errorf("control data %x: ECN %d, at %v, flags %#x", p.Control[:p.ControlN], again.ECN, again.Local, p.Flags)
			}
		}
		for _, room := range []int{0, 200} {
			send()
			for range 2 {
				p := kernel.Packet{Buf: make([]byte, 8), Control: make([]byte, room)}
				if e := k.RecvMsg(in, &p, 0); e != 0 {
					t.Fatal(e)
				}
				check(&p, room)
			}
			send()
			b := kernel.NewBatch(4, 8)
			b.Locals = room == 0
			for i := range b.Packets {
				b.Packets[i].Control = make([]byte, room)
			}
			n, e := k.RecvBatch(in, b)
			if n != 2 {
				t.Fatal(n, e)
			}
			for i := range n {
				check(&b.Packets[i], room)
			}
		}
		send()
		p := kernel.Packet{Buf: make([]byte, 8), Control: make([]byte, 4)}
		if e := k.RecvMsg(in, &p, 0); e != 0 || p.Flags&kernel.MSG_CTRUNC == 0 {
			t.Errorf("no room for control data: %v, flags %#x", e, p.Flags)
		}
	})
}

// One send with a Segment size is several datagrams, of which the last is shorter.
func TestSegmentsOfOneSendAreDatagrams(t *testing.T) {
	bothKernels(t, func(t *testing.T, k kernel.Kernel) {
		in, at := opened(t, k, kernel.AF_INET, kernel.SOCK_DGRAM, kernel.Inet(netip.MustParseAddrPort("127.0.0.1:0")))
		out, _ := opened(t, k, kernel.AF_INET, kernel.SOCK_DGRAM, kernel.Addr{})
		defer k.Close(in)
		defer k.Close(out)
		data := bytes.Repeat([]byte("0123456789"), 250)
		if e := k.SendMsg(out, &kernel.Packet{Buf: data, N: len(data), Addr: at, Segment: 1200}, 0); e != 0 {
			t.Fatal(e)
		}
		for _, want := range []int{1200, 1200, 100} {
			p := kernel.Packet{Buf: make([]byte, 4000)}
			if e := k.RecvMsg(in, &p, 0); e != 0 || p.N != want {
				t.Errorf("%d bytes, want %d: %v", p.N, want, e)
			}
		}
		if k == kernel.Host { // the host's kernel may coalesce, and a simulated one never does
			ask(t, k, in, kernel.IPPROTO_UDP, kernel.UDP_GRO)
			k.SendMsg(out, &kernel.Packet{Buf: data, N: len(data), Addr: at, Segment: 1200}, 0)
			p := kernel.Packet{Buf: make([]byte, 4000)}
			if e := k.RecvMsg(in, &p, 0); e != 0 || p.N != len(data) || p.Segment != 1200 || !bytes.Equal(p.Buf[:p.N], data) {
				t.Errorf("%d bytes in segments of %d: %v", p.N, p.Segment, e)
			}
		}
		p := kernel.Packet{Buf: make([]byte, 200), N: 200, Addr: at, Segment: 1}
		if e := k.SendMsg(out, &p, 0); e != kernel.EINVAL {
			t.Errorf("200 segments: %v", e)
		}
	})
}

// Descriptors that are passed over a Unix socket arrive with their bytes. A receive without room
// for them closes them, and so does the close of the socket.
func TestPassedDescriptorsArriveOrAreClosed(t *testing.T) {
	for _, typ := range []int{kernel.SOCK_STREAM, kernel.SOCK_DGRAM} {
		bothKernels(t, func(t *testing.T, k kernel.Kernel) {
			path := kernel.Unix(t.TempDir() + "/s")
			in, _ := opened(t, k, kernel.AF_UNIX, typ, path)
			out, _ := opened(t, k, kernel.AF_UNIX, typ, kernel.Addr{})
			defer func() { k.Close(out) }()
			if typ == kernel.SOCK_STREAM {
				k.Listen(in, 1)
			}
			if e := k.Connect(out, path); e != 0 {
				t.Fatal(e)
			}
			if typ == kernel.SOCK_STREAM {
				l := in
				in, _, _ = k.Accept(l)
				k.Close(l)
			}
			send := func(text string, fds ...int) {
				t.Helper()
				p := kernel.Packet{Buf: []byte(text), N: len(text)}
				if len(fds) > 0 {
					p.Control = kernel.Rights(fds...)
					p.ControlN = len(p.Control)
				}
				if e := k.SendMsg(out, &p, 0); e != 0 {
					t.Fatal(e)
				}
			}
			gift, at := opened(t, k, kernel.AF_INET, kernel.SOCK_DGRAM, kernel.Inet(netip.MustParseAddrPort("127.0.0.1:0")))
			send("a")
			send("bc", gift, gift)
			send("d")
			k.Close(gift)
			var text string
			var got []int
			for text != "abcd" {
				p := kernel.Packet{Buf: make([]byte, 8), Control: make([]byte, 64)}
				if e := k.RecvMsg(in, &p, 0); e != 0 {
					t.Fatal(e)
				}
				fds := kernel.RightsIn(p.Control[:p.ControlN])
				if len(fds) > 0 && !bytes.Contains(p.Buf[:p.N], []byte("b")) {
					t.Errorf("%d descriptors came with %q", len(fds), p.Buf[:p.N])
				}
				got = append(got, fds...)
				text += string(p.Buf[:p.N])
			}
			if len(got) != 2 {
				t.Fatalf("%d descriptors", len(got))
			}
			for _, fd := range got {
				if a, e := k.LocalAddr(fd); e != 0 || a != at {
					t.Errorf("the descriptor is bound to %v: %v", a, e)
				}
			}
			before := held(t, k)
			send("x", got...)
			p := kernel.Packet{Buf: make([]byte, 8)}
			if e := k.RecvMsg(in, &p, 0); e != 0 || p.ControlN != 0 {
				t.Error(e)
			}
			send("y", got...)
			if _, e := k.Recv(in, make([]byte, 8), 0); e != 0 {
				t.Error(e)
			}
			send("z", got...)
			b := kernel.NewBatch(2, 8)
			if n, e := k.RecvBatch(in, b); n != 1 && typ == kernel.SOCK_DGRAM {
				t.Error(n, e)
			}
			send("w", got...)
			p = kernel.Packet{Buf: make([]byte, 8), Control: make([]byte, len(kernel.Rights(1))-4)}
			k.RecvMsg(in, &p, 0)
			for _, fd := range kernel.RightsIn(p.Control[:p.ControlN]) {
				k.Close(fd)
			}
			if p.Flags&kernel.MSG_CTRUNC == 0 {
				t.Errorf("two descriptors had room for one: flags %#x", p.Flags)
			}
			if after := held(t, k); after != before {
				t.Errorf("%d descriptors, then %d", before, after)
			}
			send("v", got...)
			for _, fd := range got {
				k.Close(fd)
			}
			k.Close(in) // while the last file is in flight
			if e := k.SendMsg(out, &kernel.Packet{Buf: []byte("u"), N: 1, Control: kernel.Rights(1 << 20), ControlN: len(kernel.Rights(1))}, 0); e != kernel.EBADF && e != kernel.EPIPE && e != kernel.ECONNREFUSED {
				t.Errorf("a descriptor that is not open: %v", e)
			}
		})
	}
}

// held returns how many descriptors are open.
func held(t *testing.T, k kernel.Kernel) int {
	if h, ok := k.(*Host); ok {
		return h.Files()
	}
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}
