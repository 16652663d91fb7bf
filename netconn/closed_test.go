//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// A maker makes sockets: a Net that On has returned, or the functions of the package.
type maker interface {
	Listen(network, address string) (net.Listener, error)
	ListenPacket(network, address string) (net.PacketConn, error)
}

type inGoroutines struct{}

func (inGoroutines) Listen(network, address string) (net.Listener, error) {
	return netconn.Listen(network, address)
}

func (inGoroutines) ListenPacket(network, address string) (net.PacketConn, error) {
	return netconn.ListenPacket(network, address)
}

// When Close returns, the descriptor is closed and the address is free. This holds even if
// goroutines or tasks are waiting in Accept or ReadFrom.
func TestClosedIsClosed(t *testing.T) {
	dir := t.TempDir()
	check := func(t *testing.T, n maker, beside func(f func())) {
		for range 20 {
			for _, at := range []string{"tcp 127.0.0.1:0", "udp 127.0.0.1:0", "unixgram " + filepath.Join(dir, "s")} {
				network, address, _ := strings.Cut(at, " ")
				open := func(address string) (c io.Closer, name string, wait func() error, err error) {
					if network == "tcp" {
						l, err := n.Listen(network, address)
						if err != nil {
							return nil, "", nil, err
						}
						return l, l.Addr().String(), func() error { _, err := l.Accept(); return err }, nil
					}
					c2, err := n.ListenPacket(network, address)
					if err != nil {
						return nil, "", nil, err
					}
					return c2, c2.LocalAddr().String(), func() error { _, _, err := c2.ReadFrom(nil); return err }, nil
				}
				c, name, wait, err := open(address)
				if err != nil {
					t.Error(err)
					return
				}
				waits := inside.Desc(c.(interface{ Socket() *socket.Socket }).Socket())
				beside(func() {
					if err := wait(); !errors.Is(err, net.ErrClosed) {
						t.Error(err)
					}
				})
				for !waits.Registered() {
					beside(func() {})
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if network == "unixgram" {
					os.Remove(address)
				}
				again, _, _, err := open(name)
				if err != nil {
					t.Errorf("%s again: %v", network, err)
					return
				}
				again.Close()
				if network == "unixgram" {
					os.Remove(address)
				}
			}
		}
	}
	t.Run("goroutines", func(t *testing.T) {
		var all sync.WaitGroup
		check(t, inGoroutines{}, func(f func()) { all.Go(f); time.Sleep(10 * time.Microsecond) })
		all.Wait()
	})
	t.Run("tasks", func(t *testing.T) {
		r := start(t)
		inTask(r, func(task *reactor.Task) {
			check(t, netconn.On(r), func(f func()) { task.Go(func(*reactor.Task) { f() }); task.Sleep(0) })
		})
	})
}

// The function that RawConn.Control calls may call Close or Detach of its own connection. The call
// returns at once, and the descriptor's number stays valid until the function returns. Then the
// peer receives the end of input.
func TestCloseInsideControl(t *testing.T) {
	for _, detach := range []bool{false, true} {
		c, peer := connected(t)
		rc, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		err = rc.Control(func(fd uintptr) {
			if detach {
				n, err := c.Socket().Detach()
				if err != nil || n == int(fd) {
					t.Errorf("Detach: %d, %v", n, err)
				}
				defer syscall.Close(n)
			} else if err := c.Close(); err != nil {
				t.Error(err)
			}
			if _, err := syscall.Getpeername(int(fd)); err != nil {
				t.Errorf("detach %v: inside Control: %v", detach, err)
			}
		})
		if err != nil {
			t.Error(err)
		}
		peer.SetReadDeadline(time.Now().Add(long))
		if n, err := peer.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("detach %v: the peer: %d, %v", detach, n, err)
		}
	}
}

// connected returns a Conn and its peer, which is a connection of package net.
func connected(t *testing.T) (*netconn.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := netconn.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); peer.Close() })
	return c.(*netconn.Conn), peer
}

// The Timeout of the Socket below a Conn has no effect.
func TestNoTimeoutBelowAConn(t *testing.T) {
	c, peer := connected(t)
	if err := c.Socket().SetTimeout(0); err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() { _, err := c.Read(make([]byte, 1)); got <- err }()
	for !inside.Desc(c.Socket()).Registered() { // until the Read waits
		select {
		case err := <-got:
			t.Fatal(err)
		default:
			time.Sleep(time.Millisecond)
		}
	}
	peer.Write([]byte("x"))
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// Detach of a Unix listener leaves the socket's file to the next owner. As in package net, only
// Control of a listener's RawConn works.
func TestDetachedListener(t *testing.T) {
	path := longtest.SocketPath(t)
	l, err := netconn.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	rc, err := l.(*netconn.UnixListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	called := func(uintptr) bool { t.Error("called"); return true }
	if r, w := rc.Read(called), rc.Write(called); r != syscall.EINVAL || w != syscall.EINVAL {
		t.Error(r, w)
	}
	fd, err := l.(*netconn.UnixListener).Socket().Detach()
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	l.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
}

// A connection's deadline also ends the copy of a file, even if another owner of the descriptor has
// cleared O_NONBLOCK. (sendfile would then wait in the kernel.)
func TestCopyWithoutNonblock(t *testing.T) {
	c, _ := connected(t)
	rc, _ := c.SyscallConn()
	rc.Control(func(fd uintptr) { syscall.SetNonblock(int(fd), false) })
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(64 << 20); err != nil {
		t.Fatal(err)
	}
	c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	ended := make(chan error, 1)
	go func() { _, err := io.Copy(c, f); ended <- err }()
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	case <-time.After(long):
		t.Fatal("the copy has not ended")
	}
}
