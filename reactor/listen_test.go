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

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
)

// With an empty host, "tcp" serves IPv4 and IPv6. "tcp4" and "tcp6" serve only their own family.
func TestListenServesTheFamiliesOfItsNetwork(t *testing.T) {
	twice(t, func(t *lab) {
		for network, want := range map[string][2]bool{"tcp": {true, true}, "tcp4": {true, false}, "tcp6": {false, true}} {
			t.Run(network, func(t *lab) {
				l, err := t.reactor().Listen(network, ":0", acceptEcho)
				if err != nil {
					t.Fatal(err)
				}
				for i, host := range []string{"127.0.0.1", "::1"} {
					c, e := t.tryDial(&net.TCPAddr{IP: net.ParseIP(host), Port: l.Addr().(*net.TCPAddr).Port})
					if (e == 0) != want[i] {
						t.Errorf("dialling %s: %v", host, e)
					}
					if e == 0 {
						c.roundTrip("hello")
					}
				}
			})
		}
	})
}

// On a host without IPv6, "tcp" serves IPv4.
func TestListenWithoutIPv6(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor(WithKernel(&noIPv6{t.k}))
		l, err := r.Listen("tcp", ":0", acceptEcho)
		_, err6 := r.Listen("tcp6", "[::1]:0", acceptEcho)
		if err != nil {
			t.Fatal(err)
		}
		if !errors.Is(err6, kernel.EAFNOSUPPORT) || !strings.Contains(err6.Error(), "[::1]:0") {
			t.Errorf("tcp6: %v", err6)
		}
		t.dial(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: l.Addr().(*net.TCPAddr).Port}).roundTrip("hello")
	})
}

type noIPv6 struct{ Kernel }

func (k *noIPv6) Socket(family, typ, proto int) (int, kernel.Errno) {
	if family == kernel.AF_INET6 {
		return -1, kernel.EAFNOSUPPORT
	}
	return k.Kernel.Socket(family, typ, proto)
}

// If Listen cannot bind its address, the error has the operation, the network, the address and the
// errno. Nothing stays open.
func TestListenErrorsNameTheAddress(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		r := t.reactor(WithKernel(k))
		l, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		stale := filepath.Join(dir, "stale")
		fd, _ := t.k.Socket(kernel.AF_UNIX, kernel.SOCK_STREAM, 0)
		t.must("bind", t.k.Bind(t.own(fd), kernel.Unix(stale)))
		type row struct {
			network, addr string
			errno         error
		}
		rows := []row{
			{"tcp", l.Addr().String(), kernel.EADDRINUSE},
			{"unix", stale, kernel.EADDRINUSE},
			{"unix", filepath.Join(dir, strings.Repeat("long", 50)), kernel.ENAMETOOLONG},
			{"unix", "a\x00b", kernel.EINVAL},
			{"tcp", "203.0.113.1:1", kernel.EADDRNOTAVAIL},
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
		}
		if !t.simulated() { // a simulated kernel has no directories, and no files except those of sockets
			file := filepath.Join(dir, "file")
			os.WriteFile(file, nil, 0o600)
			rows = append(rows, row{"unix", filepath.Join(dir, "no", "such", "dir"), kernel.ENOENT}, row{"unix", file, kernel.EADDRINUSE})
		}
		for _, row := range rows {
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
			if row.errno == nil { // the address itself is wrong, so Dial refuses it too
				if _, err := r.Dial(row.network, row.addr, &hooks{}); err == nil {
					t.Errorf("dial %s %q: no error", row.network, row.addr)
				}
			}
		}
		if _, e := t.tryDial(&net.UnixAddr{Net: "unix", Name: stale}); e != kernel.ECONNREFUSED {
			t.Errorf("somebody else's file is gone: %v", e)
		}
		turnUntil(t, r, func() bool { return r.conns == 0 })
		if n := k.opened.Load(); n != 1 || r.listeners != 1 {
			t.Errorf("%d descriptors, %d listeners; want the first one's", n, r.listeners)
		}
	})
}

// The file of a Unix Listener exists until the Listener is closed. An abstract name has no file.
func TestUnixListenerRemovesItsFile(t *testing.T) {
	twice(t, func(t *lab) {
		names := []string{longtest.SocketPath(t)}
		if runtime.GOOS == "linux" {
			names = append(names, "@reactor-test-"+t.Name())
		}
		for _, name := range names {
			for range 2 { // the second Listener can use the name again
				l, err := t.reactor().Listen("unix", name, acceptEcho)
				if err != nil {
					t.Fatal(err)
				}
				at := &net.UnixAddr{Net: "unix", Name: name}
				c := t.dial(at)
				c.roundTrip("hello")
				if got := l.Addr().String(); got != name {
					t.Errorf("Addr %q, want %q", got, name)
				}
				l.Close()
				c.roundTrip("still there")
				c.close()
				want := kernel.ENOENT
				if name[0] == '@' {
					want = kernel.ECONNREFUSED
				}
				if _, e := t.tryDial(at); e != want {
					t.Errorf("the file of %s: %v", name, e)
				}
			}
		}
	})
}

// The LocalAddr of one end is the RemoteAddr of the other end.
func TestConnAddresses(t *testing.T) {
	twice(t, func(t *lab) {
		for _, network := range []string{"tcp", "tcp6", "unix"} {
			t.Run(network, func(t *lab) {
				var got []net.Addr
				c := t.dial(t.listen(network, always(&hooks{opened: func(c *Conn) { got = []net.Addr{c.LocalAddr(), c.RemoteAddr()} }})))
				t.until(func() bool { return got != nil })
				if at := c.remote(); got[0].String() != at.String() || got[0].Network() != at.Network() {
					t.Errorf("LocalAddr %v, want %v", got[0], at)
				}
				if network != "unix" && got[1].String() != c.addr().String() {
					t.Errorf("RemoteAddr %v, want %v", got[1], c.addr())
				}
			})
		}
	})
}

// A bad value of an option is an error whose text has the option, the value and the range. The ends
// of the range are accepted.
func TestOptionsAreValidated(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		type try struct {
			what string
			opt  ListenOption
		}
		good := []try{
			{"limits", WithLimits(0, 0, 1)}, {"limits", WithLimits(1<<30, 1<<30, 1<<30)},
			{"linger", WithLinger(time.Millisecond)}, {"linger", WithLinger(24 * time.Hour)},
			{"backlog", WithBacklog(0)}, {"backlog", WithBacklog(1 << 16)},
			{"accepts", WithAccepts(1)}, {"accepts", WithAccepts(1 << 16)}, {"max", WithMaxConns(1)},
			{"delay", WithNoDelay(false)}, {"delay", WithNoDelay(true)},
			{"keep", WithKeepAlive(time.Second)}, {"keep", WithKeepAlive(keepAliveMax)},
			{"control", WithControl(func(int) error { return nil })}, {"port", WithReusePort()},
			{"config", WithKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepAliveMax, Interval: keepAliveMax, Count: 127})},
			{"config", WithKeepAliveConfig(net.KeepAliveConfig{Idle: -1})},
		}
		if kernel.TCP_USER_TIMEOUT != 0 {
			good = append(good, try{"user", WithUserTimeout(time.Millisecond)}, try{"user", WithUserTimeout(24 * time.Hour)})
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
			{"WithLimits(-1, 0, 1): must be 0 <= low <= high <= limit, 1 <= limit <= 1073741824", WithLimits(-1, 0, 1)},
			{"WithLimits(2, 1, 3): must be", WithLimits(2, 1, 3)}, {"WithLimits(0, 2, 1)", WithLimits(0, 2, 1)},
			{"WithLimits(0, 0, 0)", WithLimits(0, 0, 0)}, {"WithLimits(0, 0, 1073741825)", WithLimits(0, 0, 1<<30+1)},
			{"WithLinger(0s): must be 1ms … 24h", WithLinger(0)}, {"WithLinger(25h0m0s)", WithLinger(25 * time.Hour)},
			{"WithBacklog(-1): must be 0 … 65536", WithBacklog(-1)}, {"WithBacklog(65537)", WithBacklog(1<<16 + 1)},
			{"WithAccepts(0): must be 1 … 65536", WithAccepts(0)}, {"WithAccepts(65537)", WithAccepts(1<<16 + 1)},
			{"WithMaxConns(0): must be 1 or more", WithMaxConns(0)},
			{"WithKeepAlive(999ms): must be 1s … 9h6m7s", WithKeepAlive(999 * time.Millisecond)},
			{"WithKeepAlive(10h0m0s)", WithKeepAlive(10 * time.Hour)},
			{"WithKeepAliveConfig(", WithKeepAliveConfig(net.KeepAliveConfig{Idle: 10 * time.Hour})},
			{"WithKeepAliveConfig(", WithKeepAliveConfig(net.KeepAliveConfig{Count: 128})},
			{"WithUserTimeout(1µs): must be 1ms … 24h", WithUserTimeout(time.Microsecond)},
			{"WithUserTimeout(25h0m0s)", WithUserTimeout(25 * time.Hour)},
			{"WithControl: no", WithControl(func(int) error { return errors.New("no") })},
		}
		for _, b := range bad {
			if _, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho, b.opt); err == nil || !strings.Contains(err.Error(), b.what) {
				t.Errorf("%v, want %q", err, b.what)
			}
		}
		want := "WithDialTimeout(0s): must be 1ms … 24h"
		if _, err := r.Dial("tcp", "127.0.0.1:1", &hooks{}, WithDialTimeout(0)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		for what, opt := range map[string]ListenOption{
			"WithBacklog is for listen, not for listen packet": WithBacklog(1),
			"WithAccepts is for": WithAccepts(1), "WithMaxConns is for": WithMaxConns(1),
		} {
			_, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{}, opt)
			if err == nil || !strings.Contains(err.Error(), what) {
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
	})
}
