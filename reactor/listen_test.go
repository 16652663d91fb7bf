//go:build unix

package reactor

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
)

// An empty host on "tcp" serves both IPv4 and IPv6; "tcp4" and "tcp6" serve their own only.
func TestListenServesTheFamiliesOfItsNetwork(t *testing.T) {
	for network, want := range map[string][2]bool{"tcp": {true, true}, "tcp4": {true, false}, "tcp6": {false, true}} {
		r := started(t)
		var l *Listener
		on(t, r, func() {
			var err error
			if l, err = r.Listen(network, ":0", acceptEcho); err != nil {
				t.Error(err)
			}
		})
		if l == nil {
			continue
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		for i, host := range []string{"127.0.0.1", "::1"} {
			c, err := net.Dial("tcp", net.JoinHostPort(host, port))
			if (err == nil) != want[i] {
				t.Errorf("%s: dialling %s: %v", network, host, err)
			}
			if err == nil {
				roundTrip(t, c, "hello")
				c.Close()
			}
		}
	}
}

// A host without IPv6: "tcp" falls back on IPv4.
func TestListenWithoutIPv6(t *testing.T) {
	r := started(t, WithKernel(&noIPv6{kernel.Host}))
	var l *Listener
	var err, err6 error
	on(t, r, func() {
		l, err = r.Listen("tcp", ":0", acceptEcho)
		_, err6 = r.Listen("tcp6", "[::1]:0", acceptEcho)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err6, kernel.EAFNOSUPPORT) || !strings.Contains(err6.Error(), "[::1]:0") {
		t.Errorf("tcp6: %v", err6)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	roundTrip(t, c, "hello")
}

type noIPv6 struct{ Kernel }

func (k *noIPv6) Socket(family, typ, proto int) (int, kernel.Errno) {
	if family == kernel.AF_INET6 {
		return -1, kernel.EAFNOSUPPORT
	}
	return k.Kernel.Socket(family, typ, proto)
}

// Whatever keeps a Listener from its address is told with operation, network, address and errno, and leaves nothing.
func TestListenErrorsNameTheAddress(t *testing.T) {
	k := hostWithFaults()
	r := manual(t, WithKernel(k))
	l, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	os.WriteFile(stale, nil, 0o600)
	for _, row := range []struct {
		network, addr string
		errno         error
	}{
		{"tcp", l.Addr().String(), kernel.EADDRINUSE},
		{"unix", stale, kernel.EADDRINUSE},
		{"unix", filepath.Join(dir, strings.Repeat("long", 50)), kernel.ENAMETOOLONG},
		{"unix", filepath.Join(dir, "no", "such", "dir"), kernel.ENOENT},
		{"unix", "a\x00b", kernel.EINVAL},
		{"tcp", "203.0.113.1:1", unix.EADDRNOTAVAIL},
		{"tcp", "127.0.0.1", nil},
		{"tcp", "127.0.0.1:65536", nil},
		{"tcp", "127.0.0.1:-1", nil},
		{"tcp", "127.0.0.1:no-such-service", nil},
		{"tcp6", "127.0.0.1:0", nil},
		{"tcp4", "[::1]:0", nil},
		{"tcp", "[fe80::1%no-such-zone]:0", nil},
		{"udp", "127.0.0.1:0", nil},
		{"tcp9", "127.0.0.1:0", nil},
		{"", "", nil},
	} {
		l, err := r.Listen(row.network, row.addr, acceptEcho)
		if err == nil {
			t.Errorf("listen %s %q: no error", row.network, row.addr)
			l.Close()
			continue
		}
		if want := "reactor: listen " + row.network + " " + row.addr + ": "; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q, want it to begin with %q", err, want)
		}
		if row.errno != nil && !errors.Is(err, row.errno) {
			t.Errorf("%v, want %v", err, row.errno)
		}
		if row.errno == nil { // the address itself is wrong, for Dial too
			if _, err := r.Dial(row.network, row.addr, &hooks{}); err == nil {
				t.Errorf("dial %s %q: no error", row.network, row.addr)
			}
		}
	}
	if _, err := os.Stat(stale); err != nil {
		t.Errorf("somebody else's file is gone: %v", err)
	}
	turnUntil(t, r, func() bool { return r.conns == 0 })
	if n := k.opened.Load(); n != 1 || r.listeners != 1 {
		t.Errorf("%d descriptors, %d listeners; want the first one's", n, r.listeners)
	}
}

// A Unix listener's file is there while it listens and gone after; the abstract space has no file.
func TestUnixListenerRemovesItsFile(t *testing.T) {
	names := []string{filepath.Join(t.TempDir(), "s")}
	if runtime.GOOS == "linux" {
		names = append(names, "@reactor-test-"+t.Name())
	}
	for _, name := range names {
		for range 2 { // the name is free again
			r := started(t)
			var l *Listener
			on(t, r, func() {
				var err error
				if l, err = r.Listen("unix", name, acceptEcho); err != nil {
					t.Error(err)
				}
			})
			c, err := net.Dial("unix", name)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, c, "hello")
			if got := l.Addr().String(); got != name {
				t.Errorf("Addr %q, want %q", got, name)
			}
			on(t, r, func() { l.Close() })
			roundTrip(t, c, "still there")
			c.Close()
			if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file of %s: %v", name, err)
			}
		}
	}
}

// Both ends agree on their addresses.
func TestConnAddresses(t *testing.T) {
	for _, network := range []string{"tcp", "tcp6", "unix"} {
		r := started(t)
		addrs := make(chan [2]net.Addr, 1)
		addr := listen(t, r, network, always(&hooks{opened: func(c *Conn) { addrs <- [2]net.Addr{c.LocalAddr(), c.RemoteAddr()} }}))
		c := connect(t, addr)
		got := <-addrs
		if got[0].String() != c.RemoteAddr().String() || got[0].Network() != c.RemoteAddr().Network() {
			t.Errorf("%s: LocalAddr %v, want %v", network, got[0], c.RemoteAddr())
		}
		if network != "unix" && got[1].String() != c.LocalAddr().String() {
			t.Errorf("%s: RemoteAddr %v, want %v", network, got[1], c.LocalAddr())
		}
	}
}

// Each bad value of an option is an error that names option, value and range; each edge of the range is taken.
func TestOptionsAreValidated(t *testing.T) {
	r := manual(t)
	type try struct {
		what string
		opt  SocketOption
	}
	good := []try{
		{"limits", WithLimits(0, 0, 1)}, {"limits", WithLimits(1<<30, 1<<30, 1<<30)},
		{"linger", WithLinger(time.Millisecond)}, {"linger", WithLinger(24 * time.Hour)},
		{"backlog", WithBacklog(0)}, {"backlog", WithBacklog(1 << 16)},
		{"accepts", WithAccepts(1)}, {"accepts", WithAccepts(1 << 16)}, {"max", WithMaxConns(1)},
		{"delay", WithNoDelay(false)}, {"delay", WithNoDelay(true)},
		{"keep", WithKeepAlive(time.Second)}, {"keep", WithKeepAlive(keepAliveMax)},
		{"control", WithControl(func(int) error { return nil })}, {"port", WithReusePort()},
	}
	for _, g := range good {
		l, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho, g.opt)
		if err != nil {
			t.Errorf("%s: %v", g.what, err)
			continue
		}
		l.Close()
	}
	bad := []try{
		{"WithLimits(-1, 0, 1): must be 0 <= low <= high <= cap, 1 <= cap <= 1073741824", WithLimits(-1, 0, 1)},
		{"WithLimits(2, 1, 3): must be", WithLimits(2, 1, 3)}, {"WithLimits(0, 2, 1)", WithLimits(0, 2, 1)},
		{"WithLimits(0, 0, 0)", WithLimits(0, 0, 0)}, {"WithLimits(0, 0, 1073741825)", WithLimits(0, 0, 1<<30+1)},
		{"WithLinger(0s): must be 1ms … 24h", WithLinger(0)}, {"WithLinger(25h0m0s)", WithLinger(25 * time.Hour)},
		{"WithBacklog(-1): must be 0 … 65536", WithBacklog(-1)}, {"WithBacklog(65537)", WithBacklog(1<<16 + 1)},
		{"WithAccepts(0): must be 1 … 65536", WithAccepts(0)}, {"WithAccepts(65537)", WithAccepts(1<<16 + 1)},
		{"WithMaxConns(0): must be 1 or more", WithMaxConns(0)},
		{"WithKeepAlive(999ms): must be 1s … 9h6m7s", WithKeepAlive(999 * time.Millisecond)},
		{"WithKeepAlive(10h0m0s)", WithKeepAlive(10 * time.Hour)},
		{"WithDialTimeout is for dial, not for listen", WithDialTimeout(time.Second)},
		{"WithControl: no", WithControl(func(int) error { return errors.New("no") })},
	}
	for _, b := range bad {
		if _, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho, b.opt); err == nil || !strings.Contains(err.Error(), b.what) {
			t.Errorf("%v, want %q", err, b.what)
		}
	}
	for what, opt := range map[string]DialOption{
		"WithDialTimeout(0s): must be 1ms … 24h": WithDialTimeout(0), "WithBacklog is for listen, not for dial": WithBacklog(1),
		"WithAccepts is for": WithAccepts(1), "WithMaxConns is for": WithMaxConns(1), "WithReusePort is for": WithReusePort(),
	} {
		if _, err := r.Dial("tcp", "127.0.0.1:1", &hooks{}, opt); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %q", err, what)
		}
	}
	for what, opt := range map[string]Option{
		"WithKernel(nil)": WithKernel(nil), "WithLogger(nil)": WithLogger(nil), "WithPanicHandler(nil)": WithPanicHandler(nil),
		"WithSlowCallback(999µs): must be 1ms or more": WithSlowCallback(999 * time.Microsecond),
		"WithPostLimit(0): must be 1 … 16777216":       WithPostLimit(0), "WithPostLimit(16777217)": WithPostLimit(1<<24 + 1),
	} {
		if _, err := New(opt); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %q", err, what)
		}
	}
	if n := r.listeners + r.conns + r.table.Len(); n != 0 {
		t.Errorf("%d things are left", n)
	}
	wantPanic(t, "nil accept", func() { r.Listen("tcp", ":0", nil) })
	wantPanic(t, "nil handler", func() { r.Dial("tcp", ":0", nil) })
	wantPanic(t, "nil handler", func() { r.ListenPacket("udp", ":0", nil) })
}
