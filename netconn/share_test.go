//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
)

// onLoop runs f in a task of a new loop, with a connection whose peer is a connection of package
// net.
func onLoop(t *testing.T, k kernel.Kernel, f func(task *reactor.Task, c *netconn.Conn, peer net.Conn)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, err := reactor.New(reactor.WithKernel(k))
	if err != nil {
		t.Fatal(err)
	}
	r.Go(func(task *reactor.Task) {
		defer r.Close()
		c, err := netconn.On(r).Dial("tcp", l.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		peer, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer peer.Close()
		f(task, c.(*netconn.Conn), peer)
	})
	if err := r.Run(context.Background()); err != nil {
		t.Error(err)
	}
}

// number returns the descriptor of a connection.
func number(c *netconn.Conn) (fd int) {
	rc, err := c.SyscallConn()
	if err == nil {
		err = rc.Control(func(n uintptr) { fd = int(n) })
	}
	if err != nil {
		panic(err)
	}
	return fd
}

// others returns how often another task runs during the call.
func others(task *reactor.Task, call func()) (n int) {
	over := false
	other := task.Go(func(task *reactor.Task) {
		for !over {
			n++
			_ = task.Sleep(0)
		}
	})
	call()
	over = true
	_, _ = task.Join(other)
	return n
}

const much = 8 << 20

// shared fails the test unless another task has run at least once for each MiB that a call has
// moved.
func shared(t *testing.T, moved int64, err error, n int) {
	t.Helper()
	if moved != much || err != nil || n < much>>20 {
		t.Errorf("%d of %d bytes, %v; another task ran %d times, want %d", moved, much, err, n, much>>20)
	}
}

// A peer accepts all output at once and always has more input, so no call ever waits. All the same,
// WriteBuffers, and Read and Write of TLS, yield to other tasks, even in the middle of a call.
func TestEndlessPeersShareTheLoop(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	t.Run("WriteBuffers", func(t *testing.T) {
		k := newBoundless()
		onLoop(t, k, func(task *reactor.Task, c *netconn.Conn, _ net.Conn) {
			k.fd = number(c)
			v := make(net.Buffers, 1024)
			for i := range v {
				v[i] = make([]byte, much/len(v))
			}
			var n int64
			var err error
			ran := others(task, func() { n, err = c.WriteBuffers(&v) })
			shared(t, n, err, ran)
		})
	})
	for _, call := range []struct {
		name string
		do   func(c *netconn.TLSConn) (int, error)
	}{
		{"TLSConn.Write", func(c *netconn.TLSConn) (int, error) { return c.Write(make([]byte, much)) }},
		{"TLSConn.Read", func(c *netconn.TLSConn) (int, error) { return io.ReadFull(c, make([]byte, much)) }},
	} {
		for name, server := range map[string]bool{"client": false, "server": true} {
			t.Run(call.name+"/"+name, func(t *testing.T) {
				k := newBoundless()
				onLoop(t, k, func(task *reactor.Task, raw *netconn.Conn, _ net.Conn) {
					k.speak(number(raw), !server)
					c := netconn.Client
					cfg := clientConfig()
					if server {
						c, cfg = netconn.Server, serverConfig()
					}
					conn := c(raw, cfg)
					if err := conn.Handshake(); err != nil {
						t.Error(err)
						return
					}
					n, err := 0, error(nil)
					ran := others(task, func() { n, err = call.do(conn) })
					shared(t, int64(n), err, ran)
				})
			})
		}
	}
}

// ReadFrom sends a file with sendfile, and the kernel has room for the whole file. The call yields
// to other tasks all the same. The test also checks that the call has not waited: a wait would have
// brought an Event.
func TestAFileSharesTheLoop(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("ReadFrom copies here")
	}
	const size = 1 << 20
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	tries := 0
	for waited := true; waited && !t.Failed(); tries++ {
		if tries == 100 {
			t.Fatalf("in %d tries the kernel has never taken %d bytes at once", tries, size)
		}
		onLoop(t, kernel.Host, func(task *reactor.Task, c *netconn.Conn, peer net.Conn) {
			read := make(chan struct{})
			go func() { // so that the socket always has room
				defer close(read)
				_, _ = io.Copy(io.Discard, peer)
			}()
			f, err := os.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			_ = task.Sleep(0) // so that turns of the dial do not count
			before, n := task.Reactor().Stats().Events, int64(0)
			ran := others(task, func() { n, err = c.ReadFrom(f) })
			_ = task.Sleep(0)
			waited = task.Reactor().Stats().Events != before
			if n != size || err != nil || !waited && ran < size>>19 {
				t.Errorf("%d of %d bytes, %v; another task ran %d times", n, size, err, ran)
			}
			_ = c.Close()
			task.Await(func() { <-read })
		})
	}
	t.Logf("%d tries", tries)
}

// One TLS connection of a Handler always has more input. The loop reads it once in each turn, so a
// turn decrypts a bounded number of its bytes. Every other connection with input is served in the
// same turn.
func TestABusyTLSConnHasOneShareOfATurn(t *testing.T) {
	k := newBoundless()
	r, err := reactor.New(reactor.WithKernel(k))
	if err != nil {
		t.Fatal(err)
	}
	turn := func() {
		t.Helper()
		if err := r.Turn(0); err != nil {
			t.Fatal(err)
		}
	}
	var conns []*reactor.Conn
	busy, quiet, ended := 0, 0, 0
	handle := func(c *reactor.Conn) reactor.Handler {
		conns = append(conns, c)
		got := &quiet
		if len(conns) == 1 {
			got = &busy
		}
		return &events{data: func(_ *reactor.Conn, p []byte) { *got += len(p) }, closed: func(*reactor.Conn, error) { ended++ }}
	}
	opened := func(opts ...reactor.ListenOption) net.Conn {
		l, err := r.Listen("tcp", "127.0.0.1:0", handle, opts...)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for n := len(conns); len(conns) == n; {
			turn()
		}
		return c
	}
	first := opened(patient(serverConfig()))
	defer first.Close()
	second := opened()
	defer second.Close()
	k.speak(conns[0].FD(), false)
	if _, err := first.Write([]byte("x")); err != nil { // an Event, so that the endless input is read
		t.Fatal(err)
	}
	for busy == 0 {
		turn()
	}
	// The bound is the size of the loop's buffer plus one record that was incomplete before.
	const turns, most = 200, 128<<10 + 16<<10
	for i := range turns {
		if _, err := second.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		arrived(conns[1].FD())
		before := busy
		turn()
		if quiet != i+1 {
			t.Fatalf("in turn %d the other one has %d bytes", i+1, quiet)
		}
		if n := busy - before; n == 0 || n > most {
			t.Fatalf("turn %d has brought %d bytes of the busy one, want 1 … %d", i+1, n, most)
		}
	}
	k.fd = -1
	for _, c := range conns {
		_ = c.Abort()
	}
	r.Close()
	for r.Turn(0) == nil {
	}
	if ended != 2 {
		t.Errorf("%d have ended", ended)
	}
}

// arrived waits until the kernel has bytes for the descriptor.
func arrived(fd int) {
	for {
		ready, e := kernel.Host.Ready(fd)
		if e != 0 {
			panic(e)
		}
		if ready&poller.In != 0 {
			return
		}
		runtime.Gosched()
	}
}
