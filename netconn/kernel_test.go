//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/netconn"
)

// A shim is this machine's kernel with some replaced calls.
type shim struct {
	kernel.Kernel
	open     int // number of open sockets
	refused  int // this family does not exist
	selves   int // how many sockets still appear to connect to themselves
	connect  func() kernel.Errno
	most     int    // maximum bytes of one send; 0: the sends reach the kernel
	sent     []byte // the bytes that were sent while most was not 0
	sends    int    // number of such calls
	sendMsgs int
}

// newShim returns a shim and a Net for goroutines that uses the shim.
func newShim() (*shim, *netconn.Net) {
	k := &shim{Kernel: kernel.Host, refused: -1}
	return k, inside.Net(k, desc.Parked).(*netconn.Net)
}

func (k *shim) Socket(family, typ, proto int) (int, kernel.Errno) {
	if family == k.refused {
		return -1, kernel.EAFNOSUPPORT
	}
	fd, e := k.Kernel.Socket(family, typ, proto)
	if e == 0 {
		k.open++
	}
	return fd, e
}

func (k *shim) Close(fd int) kernel.Errno {
	k.open--
	return k.Kernel.Close(fd)
}

func (k *shim) Connect(fd int, to kernel.Addr) kernel.Errno {
	if k.connect != nil {
		if e := k.connect(); e != 0 {
			return e
		}
	}
	return k.Kernel.Connect(fd, to)
}

func (k *shim) PeerAddr(fd int) (kernel.Addr, kernel.Errno) {
	if k.selves > 0 {
		k.selves--
		return k.Kernel.LocalAddr(fd)
	}
	return k.Kernel.PeerAddr(fd)
}

func (k *shim) Send(fd int, p []byte, flags int) (int, kernel.Errno) {
	if k.most == 0 {
		return k.Kernel.Send(fd, p, flags)
	}
	return k.SendV(fd, [][]byte{p})
}

func (k *shim) SendV(fd int, pieces [][]byte) (int, kernel.Errno) {
	if k.most == 0 {
		return k.Kernel.SendV(fd, pieces)
	}
	k.sends++
	p := bytes.Join(pieces, nil)
	p = p[:min(len(p), k.most)]
	k.sent = append(k.sent, p...)
	return len(p), 0
}

// The first SendMsg finds no room. Later calls find a broken connection.
func (k *shim) SendMsg(int, *kernel.Packet, int) kernel.Errno {
	if k.sendMsgs++; k.sendMsgs == 1 {
		return kernel.EAGAIN
	}
	return kernel.EPIPE
}

// If a socket has connected to itself, the dial closes it and tries again, at most twice. If the
// caller has chosen the local port, the dial does not try again, because the next attempt would use
// the same port.
func TestDialGivesUpSocketsThatConnectToThemselves(t *testing.T) {
	to := listen(t, "tcp4").Addr().String()
	for _, row := range []struct {
		selves int
		local  net.Addr
		fails  bool
	}{{0, nil, false}, {1, nil, false}, {2, nil, false}, {3, nil, true}, {1, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: freePort(t)}, true}} {
		k, n := newShim()
		k.selves = row.selves
		c, err := (&netconn.Dialer{Net: n, LocalAddr: row.local}).Dial("tcp", to)
		if row.fails != errors.Is(err, syscall.ECONNREFUSED) || !row.fails && err != nil {
			t.Errorf("%+v: %v", row, err)
		}
		if err == nil {
			c.Close()
		}
		if k.open != 0 {
			t.Errorf("%+v: %d sockets stay open", row, k.open)
		}
	}
}

// freePort returns a port of 127.0.0.1 at which nobody listens now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// If the context ends during the system call that connects, the dial fails and closes the socket.
func TestDialWhoseContextEndsInConnect(t *testing.T) {
	k, n := newShim()
	ctx, cancel := context.WithCancel(t.Context())
	k.connect = func() kernel.Errno { cancel(); return 0 }
	// A Unix socket connects at once.
	_, err := n.DialContext(ctx, "unix", listen(t, "unix").Addr().String())
	if !errors.Is(err, context.Canceled) || k.open != 0 {
		t.Errorf("%v, %d sockets stay open", err, k.open)
	}
}

// Every error of connect becomes an *os.SyscallError, even the error with the number 1.
func TestDialNamesEveryErrorOfConnect(t *testing.T) {
	for _, e := range []kernel.Errno{kernel.EPERM, kernel.EINVAL, kernel.Errno(4000)} {
		k, n := newShim()
		k.connect = func() kernel.Errno { return e }
		_, err := n.Dial("unix", "/nonesuch")
		var call *os.SyscallError
		if !errors.As(err, &call) || call.Syscall != "connect" || call.Err != error(e) {
			t.Errorf("%v: %v", e, err)
		}
	}
}

// If the machine has no IPv6, a listener at the wildcard address uses IPv4 only, and makes only one
// socket.
func TestListenWithoutIPv6(t *testing.T) {
	for _, refused := range []int{-1, kernel.AF_INET6} {
		k, n := newShim()
		k.refused = refused
		l, err := n.Listen("tcp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		if four := l.Addr().(*net.TCPAddr).IP.To4() != nil; four != (refused > 0) || k.open != 1 {
			t.Errorf("%v, %d sockets", l.Addr(), k.open)
		}
		l.Close()
	}
}

// If a dial has a timeout, the resolver and ControlContext get a context with a deadline.
func TestDialsContextEnds(t *testing.T) {
	d := netconn.Dialer{Timeout: time.Hour, ControlContext: func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
		if _, limited := ctx.Deadline(); !limited || ctx.Done() == nil {
			t.Error("the context does not end")
		}
		return os.ErrInvalid
	}}
	if _, err := d.Dial("tcp", "127.0.0.1:9"); !errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
}

// If the Socket has Timeout 0 and there is no room for a datagram, the call returns an error at
// once.
func TestDatagramsThatMustNotWait(t *testing.T) {
	k, n := newShim()
	p, err := n.ListenPacket("udp4", "127.0.0.1:0")
	must(t, err)
	defer p.Close()
	c := p.(*netconn.PacketConn)
	must(t, c.Socket().SetTimeout(0))
	if _, err := c.WriteTo([]byte("x"), toUDP); !errors.Is(err, syscall.EAGAIN) || k.sendMsgs != 1 {
		t.Errorf("%v after %d calls", err, k.sendMsgs)
	}
}

// Between two Conns on a kernel without pipes, ReadFrom copies the bytes and counts all of them. It
// does the same between Conns of two kernels.
func TestCopiesOnAKernelWithoutPipes(t *testing.T) {
	_, n := newShim()
	for _, dial := range []func(network, address string) (net.Conn, error){n.Dial, netconn.Dial} {
		all := noise(1000)
		var ends, peers [2]net.Conn
		for i, dial := range []func(network, address string) (net.Conn, error){n.Dial, dial} {
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			must(t, err)
			defer l.Close()
			ends[i], err = dial("tcp", l.Addr().String())
			must(t, err)
			defer ends[i].Close()
			peers[i], err = l.Accept()
			must(t, err)
			defer peers[i].Close()
		}
		_, err := peers[0].Write(all)
		must(t, err)
		must(t, peers[0].(*net.TCPConn).CloseWrite())
		copied(t, ends[1], ends[0], len(all))
		got := make([]byte, len(all))
		if _, err := io.ReadFull(peers[1], got); err != nil || !bytes.Equal(got, all) {
			t.Errorf("%v, or the bytes differ", err)
		}
	}
}

// WriteBuffers makes as few system calls as possible, and continues after a call that has sent only
// a part. One call sends up to 64 pieces. If there are more small pieces, WriteBuffers copies them
// together.
func TestWriteBuffersMakesFewCalls(t *testing.T) {
	for _, row := range []struct{ pieces, size, most, calls int }{
		{1, 1000, 100, 10}, {1, 1000, 1 << 20, 1}, {3, 10, 1 << 20, 1}, {64, 600, 1 << 20, 1}, {1000, 10, 1 << 20, 1},
		{100, 600, 1 << 20, 2}, {100, 512, 1 << 20, 1}, {100, 513, 1 << 20, 2}, {128, 513, 1 << 20, 2}, {1000, 10, 999, 11}, {2, 500, 999, 2},
	} {
		k, n := newShim()
		c, err := n.Dial("tcp", listen(t, "tcp4").Addr().String())
		must(t, err)
		k.most = row.most
		all := noise(row.pieces * row.size)
		var v net.Buffers
		for i := range row.pieces {
			v = append(v, all[i*row.size:][:row.size])
		}
		if n, err := c.(*netconn.Conn).WriteBuffers(&v); n != int64(len(all)) || err != nil || !bytes.Equal(k.sent, all) || len(v) != 0 {
			t.Errorf("%+v: %d bytes, %v, %d came", row, n, err, len(k.sent))
		}
		if k.sends != row.calls {
			t.Errorf("%+v: %d calls", row, k.sends)
		}
		c.Close()
	}
}
