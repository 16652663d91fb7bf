//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package groups

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A load is a set of clients that connect, echo and reconnect, with their results.
type load struct {
	t       *testing.T
	stop    atomic.Bool
	all     sync.WaitGroup
	conns   atomic.Int64
	bytes   atomic.Int64 // they were sent and came back
	refused atomic.Int64
	lost    atomic.Int64 // connections on which an answer did not arrive
}

// client makes one connection after another. On each connection it sends some messages, and
// sometimes it pauses between two of them.
func (l *load) client(network, addr string, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	p, back := make([]byte, 64<<10), make([]byte, 64<<10)
	for !l.stop.Load() {
		c, err := dial(network, addr)
		if err != nil {
			l.refused.Add(1)
			l.t.Error(err)
			return
		}
		l.conns.Add(1)
		_ = c.SetDeadline(time.Now().Add(longtest.Guard))
		for range 1 + rnd.IntN(8) {
			n := 1 + rnd.IntN(len(p))
			for i := 0; i < n; i += 97 {
				p[i] = byte(rnd.Uint32())
			}
			if err := exchange(c, p[:n], back[:n]); err != nil {
				l.lost.Add(1)
				l.t.Error(err)
				return
			}
			l.bytes.Add(int64(n))
			if rnd.IntN(16) == 0 {
				time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
			}
		}
		c.Close()
	}
}

// dial connects. For TLS it also completes the handshake.
func dial(network, addr string) (net.Conn, error) {
	if network == "tls" {
		// Each process has another certificate.
		return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	}
	return net.Dial(network, addr)
}

// exchange sends p, and checks that p comes back.
func exchange(c net.Conn, p, back []byte) error {
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(p)
		sent <- err
	}()
	if n, err := io.ReadFull(c, back); err != nil {
		return fmt.Errorf("%d of %d bytes came back: %w", n, len(p), err)
	}
	if !bytes.Equal(p, back) {
		return errors.New("other bytes came back")
	}
	return <-sent
}

// Clients connect over TCP, a Unix socket and TLS, send, and reconnect, while the server is
// replaced repeatedly. Each new process has another number of loops, from 1 to 3. So some processes
// have fewer loops than passed sockets, and others must bind more sockets. No client is refused,
// and every byte is echoed on its own connection. Each process ends by itself after it has
// delivered everything. The last process removes the socket's file.
func TestHotRestart(t *testing.T) {
	if !longtest.Default(t, "processes that are started") {
		return
	}
	t.Parallel()
	restarts, between := longtest.Count(1, 3, 20), int64(longtest.Count(12, 24, 500))
	path := socketPath(t)
	f := start(t, self(), 2, "tcp://127.0.0.1:0", "unix://"+path, "tls://127.0.0.1:0", "udp://127.0.0.1:0")
	_, at := f.newest()
	l := &load{t: t}
	for i := range uint64(12) {
		network, addr, _ := strings.Cut(at[i%3], "://")
		l.all.Go(func() { l.client(network, addr, i) })
	}
	for i := range restarts {
		more := l.conns.Load() + between
		f.wait("connections between restarts", func() bool { return l.conns.Load() >= more || t.Failed() })
		f.signal(syscall.SIGHUP)
		f.wait(fmt.Sprint("restart ", i+1), func() bool { return len(f.serving) == i+2 })
		if _, now := f.newest(); strings.Join(now, ",") != strings.Join(at, ",") {
			t.Fatalf("it serves %v, before %v", now, at)
		}
	}
	l.stop.Store(true)
	l.all.Wait()
	ping(t, at[3])
	f.signal(syscall.SIGTERM)
	f.wait("all have ended", func() bool { return len(f.answered) == restarts+1 })
	if read := f.total(); read != l.bytes.Load() || l.lost.Load()+l.refused.Load() > 0 {
		t.Errorf("%d refused, %d lost; %d bytes were answered, %d came back", l.refused.Load(), l.lost.Load(), read, l.bytes.Load())
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file is still there: %v", err)
	}
	t.Logf("%d restarts: %d connections, %d MiB, %d refused, %d lost",
		restarts, l.conns.Load(), l.bytes.Load()>>20, l.refused.Load(), l.lost.Load())
}

// ping sends one datagram and receives the echo.
func ping(t *testing.T, at string) {
	t.Helper()
	_, addr, _ := strings.Cut(at, "://")
	c, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(longtest.Guard))
	io.WriteString(c, "ping")
	if n, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		t.Errorf("datagram: %d bytes, %v", n, err)
	}
}

// The test acts as systemd does for socket activation: descriptor 3 is a listening socket that is
// blocking and not close-on-exec, and LISTEN_PID names the process. All loops serve the socket's
// connections, including those from before the process existed. The file of a Unix socket belongs
// to systemd and stays.
func TestSocketActivation(t *testing.T) {
	if !longtest.Default(t, "processes that are started") {
		return
	}
	t.Parallel()
	path := socketPath(t)
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			addr := "127.0.0.1:0"
			if network == "unix" {
				addr = path
			}
			l, err := net.Listen(network, addr)
			if err != nil {
				t.Fatal(err)
			}
			if u, ok := l.(*net.UnixListener); ok {
				u.SetUnlinkOnClose(false)
			}
			file, err := l.(interface{ File() (*os.File, error) }).File()
			if err != nil {
				t.Fatal(err)
			}
			early, err := net.Dial(network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer early.Close()
			cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=echo.socket exec "$0" -test.run=^$`, os.Args[0])
			cmd.ExtraFiles = []*os.File{file}
			file.Fd() // blocking, like those from systemd
			f := start(t, cmd, 3, network+"://"+l.Addr().String())
			l.Close()
			file.Close()
			p := []byte("hello")
			for i := range 10 {
				c := early
				if i > 0 {
					if c, err = net.Dial(network, l.Addr().String()); err != nil {
						t.Fatal(err)
					}
					defer c.Close()
				}
				_ = c.SetDeadline(time.Now().Add(longtest.Guard))
				if err := exchange(c, p, make([]byte, len(p))); err != nil {
					t.Error(err)
				}
			}
			f.signal(syscall.SIGTERM)
			f.wait("it has ended", func() bool { return len(f.answered) == 1 })
			if n := f.total(); n != 50 {
				t.Errorf("%d bytes answered", n)
			}
			if _, err := os.Lstat(path); network == "unix" && err != nil {
				t.Errorf("the socket's file is gone: %v", err)
			}
		})
	}
}
