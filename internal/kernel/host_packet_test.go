//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // it defines the flag -long
	"github.com/ureactor/ureactor/poller"
)

// One socket sends six datagrams, one of which is empty. All arrive in order, with the sender's
// address. Those that are longer than the buffer are cut.
func TestBatchesOverLoopback(t *testing.T) {
	from, fromAddr := bound(t, SOCK_DGRAM, loopback)
	to, toAddr := bound(t, SOCK_DGRAM, loopback)
	if n, e := Host.RecvBatch(to, NewBatch(2, 8)); n != 0 || e != EAGAIN {
		t.Fatalf("RecvBatch of nothing = %d, %v", n, e)
	}
	out := NewBatch(6, 8)
	for i := range out.Packets {
		p := &out.Packets[i]
		p.Addr, p.N = toAddr, copy(p.Buf, "abcdefgh"[:i])
	}
	if n, e := Host.SendBatch(from, out, 6); n != 6 || e != 0 {
		t.Fatalf("SendBatch = %d, %v", n, e)
	}
	in := NewBatch(4, 4)
	for i := 0; i < 6; {
		await(t, to, poller.In)
		n, e := Host.RecvBatch(to, in)
		ok(t, e)
		for _, p := range in.Packets[:n] {
			// the buffer has room for 4 bytes
			if want := "abcdefgh"[:min(i, 4)]; string(p.Buf[:p.N]) != want || p.Addr != fromAddr {
				t.Errorf("datagram %d is %q from %v", i, p.Buf[:p.N], p.Addr)
			}
			i++
		}
	}
}

// The third packet has an invalid address. The first two are sent. The error comes when the invalid
// packet is the first one.
func TestBatchStopsAtTheBadPacket(t *testing.T) {
	fd, addr := bound(t, SOCK_DGRAM, loopback)
	b := NewBatch(4, 1)
	for i := range b.Packets {
		b.Packets[i].Addr = addr
	}
	b.Packets[2].Addr = Addr{Family: 99}
	if n, e := Host.SendBatch(fd, b, 4); n != 2 || e != 0 {
		t.Fatalf("SendBatch = %d, %v", n, e)
	}
	b.Packets[0] = b.Packets[2]
	if n, e := Host.SendBatch(fd, b, 4); n != 0 || e != EAFNOSUPPORT {
		t.Fatalf("SendBatch = %d, %v", n, e)
	}
	if n, e := Host.SendBatch(fd, b, 0); n != 0 || e != 0 {
		t.Fatalf("SendBatch of none = %d, %v", n, e)
	}
}

// Unix sockets are bound to paths and send to paths. Sockets that are bound twice, or to a path
// that is too long, return an error. So does a connect to a path without a file.
func TestUnixSocketsHaveTheirPaths(t *testing.T) {
	dir := t.TempDir()
	if len(dir) > 80 {
		t.Skip("the temporary directory's name is too long for a socket")
	}
	path := Unix(filepath.Join(dir, "s"))
	to, addr := bound(t, SOCK_DGRAM, path)
	if addr != path {
		t.Fatalf("bound to %q, it says %q", path, addr)
	}
	from, fromAddr := bound(t, SOCK_DGRAM, Unix(filepath.Join(dir, "f")))
	n, e := Host.SendTo(from, []byte("hi"), 0, path)
	ok(t, e)
	var p [8]byte
	m, a, e := Host.RecvFrom(to, p[:], 0)
	if m != n || a != fromAddr || e != 0 {
		t.Errorf("received %d from %q, %v", m, a, e)
	}
	again := newSocket(t, AF_UNIX, SOCK_DGRAM)
	if e := Host.Bind(again, path); e != EADDRINUSE {
		t.Errorf("bound twice: %v", e)
	}
	ok(t, Host.Unlink(path.Path))
	ok(t, Host.Bind(again, path))
	if e := Host.Bind(newSocket(t, AF_UNIX, SOCK_STREAM), Unix(strings.Repeat("p", 200))); e != ENAMETOOLONG {
		t.Errorf("a long path: %v", e)
	}
	if e := Host.Connect(newSocket(t, AF_UNIX, SOCK_STREAM), Unix(filepath.Join(dir, "none"))); e != ENOENT {
		t.Errorf("no path: %v", e)
	}
}
