//go:build linux || darwin || freebsd

package eviocompat

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
)

// Every event can return Shutdown. Then Serve ends, and goleak finds no goroutine left.
func TestShutdownFromEveryEvent(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	for _, from := range []string{"Serving", "Opened", "Data", "Closed", "Detached", "Tick", "udp", "Wake"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			action := func(event string) Action {
				if event == from {
					return Shutdown
				}
				return None
			}
			ev := Events{
				NumLoops: 3,
				Serving:  func(Server) Action { return action("Serving") },
				Opened:   func(Conn) ([]byte, Options, Action) { return nil, Options{}, action("Opened") },
				Data: func(c Conn, in []byte) ([]byte, Action) {
					switch {
					case from == "Detached":
						return nil, Detach
					case from == "Closed":
						return nil, Close
					case from == "Wake" && in != nil:
						c.Wake()
						return nil, None
					case from == "Wake" || from == "Data" || from == "udp":
						return nil, Shutdown
					}
					return nil, None
				},
				Closed:   func(Conn, error) Action { return action("Closed") },
				Detached: func(_ Conn, rwc io.ReadWriteCloser) Action { rwc.Close(); return action("Detached") },
			}
			if from == "Tick" {
				ev.Tick = func() (time.Duration, Action) { return 0, Shutdown }
			}
			at, stop := serveQuietly(t, nil, ev, func() {}, "tcp://127.0.0.1:0", "udp://127.0.0.1:0")
			if from != "Serving" && from != "Tick" {
				c := dial(t, at[map[bool]int{from == "udp": 1}[true]])
				io.WriteString(c, "hello")
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A detached connection has the options that Options requests, and TCP_NODELAY, which evio does not
// set. Output of any size that was sent before the Detach arrives first, and a Close does not cut
// it off.
func TestDetach(t *testing.T) {
	first := noise(2 << 20)
	for _, useUnix := range []bool{false, true} {
		addr := "tcp://127.0.0.1:0"
		if useUnix {
			addr = "unix://" + longtest.SocketPath(t)
		}
		out := make(chan io.ReadWriteCloser, 1)
		at, stop := serve(t, Events{
			Opened:   func(Conn) ([]byte, Options, Action) { return nil, Options{TCPKeepAlive: 90 * time.Second}, None },
			Data:     func(Conn, []byte) ([]byte, Action) { return first, Detach },
			Closed:   func(Conn, error) Action { t.Error("Closed of a detached connection"); return None },
			Detached: func(_ Conn, rwc io.ReadWriteCloser) Action { out <- rwc; return None },
		}, addr)
		c := dial(t, at[0])
		io.WriteString(c, "take me out")
		rwc := <-out
		if f := rwc.(*detached).f; !useUnix {
			raw, err := f.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			raw.Control(func(fd uintptr) {
				for _, o := range [][3]int{{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1}, {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1}} {
					if v, err := unix.GetsockoptInt(int(fd), o[0], o[1]); err != nil || v == 0 {
						t.Errorf("option %v is %d, %v", o, v, err)
					}
				}
			})
		}
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(rwc, "second")
			sent <- errors.Join(err, rwc.Close())
		}()
		got, err := io.ReadAll(c)
		if err != nil || string(got) != string(first)+"second" {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// A connection that is closed directly after its Detach still delivers the output from before.
func TestCloseOfADetachedDelivers(t *testing.T) {
	first := noise(2 << 20)
	at, stop := serve(t, Events{
		Data:     func(Conn, []byte) ([]byte, Action) { return first, Detach },
		Detached: func(_ Conn, rwc io.ReadWriteCloser) Action { rwc.Close(); return None },
	}, "tcp://127.0.0.1:0")
	c := dial(t, at[0])
	io.WriteString(c, "go")
	time.Sleep(20 * time.Millisecond)
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, first) {
		t.Errorf("%d bytes of %d, %v", len(got), len(first), err)
	}
	stop()
}

// Tick is called at once, and later never earlier than after the delay that it returned. PreWrite
// is called before the output of an event is sent.
func TestTickAndPreWrite(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	var pre, ticks int
	var last time.Time
	at, stop := serveQuietly(t, nil, Events{
		PreWrite: func() { pre++ },
		Opened:   func(Conn) ([]byte, Options, Action) { return []byte("hi"), Options{}, None },
		Data:     echo,
		Tick: func() (time.Duration, Action) {
			if now := time.Now(); ticks > 0 && now.Sub(last) < 10*time.Millisecond {
				t.Errorf("tick %d after %v", ticks, now.Sub(last))
			}
			ticks++
			last = time.Now()
			if ticks == 20 {
				return 0, Shutdown
			}
			return 10 * time.Millisecond, None
		},
	}, func() {}, "tcp://127.0.0.1:0")
	c := dial(t, at[0])
	p := make([]byte, 2)
	io.ReadFull(c, p)
	roundTrip(t, c, "a")
	roundTrip(t, c, "b")
	c.Close()
	if err := stop(); err != nil || pre != 3 || ticks != 20 {
		t.Errorf("%v, %d PreWrites, %d Ticks", err, pre, ticks)
	}
}

// Each event gets its own copy of the input, unless the connection requests the shared buffer.
func TestInputBuffer(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	for _, reuse := range []bool{false, true} {
		var kept [][]byte
		at, stop := serve(t, Events{
			Opened: func(Conn) ([]byte, Options, Action) { return nil, Options{ReuseInputBuffer: reuse}, None },
			Data:   func(_ Conn, in []byte) ([]byte, Action) { kept = append(kept, in); return in, None },
		}, "tcp://127.0.0.1:0")
		c := dial(t, at[0])
		roundTrip(t, c, "first")
		roundTrip(t, c, "other")
		stop()
		if same := string(kept[0]) == "other"; same != reuse {
			t.Errorf("reuse %v: the first input is now %q", reuse, kept[0])
		}
	}
}

// An address that cannot be served is an error with the reason, and nothing stays open. If the file
// at a Unix path is no socket, it is not changed. A stale socket is replaced, as in evio.
func TestBadAndStaleAddresses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, stale := filepath.Join(dir, "file"), filepath.Join(dir, "stale")
	if err := os.WriteFile(file, []byte("precious"), 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	used, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	for addr, says := range map[string]string{
		"tulip://howdy":                     "unknown network",
		"howdy":                             "missing port",
		"tcp://127.0.0.1:99999":             "must be 0",
		"unix://" + file:                    "address already in use",
		"tcp://" + used.Addr().String():     "address already in use",
		"tcp-net://" + used.Addr().String(): "address already in use",
	} {
		err := Serve(Events{NumLoops: 2, Serving: func(Server) Action { return Shutdown }}, "tcp://127.0.0.1:0", addr)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", addr, err, says)
		}
	}
	if err := Serve(Events{NumLoops: 2000}); err == nil || !strings.Contains(err.Error(), "1024") {
		t.Errorf("2000 loops: %v", err)
	}
	if text, _ := os.ReadFile(file); string(text) != "precious" {
		t.Error("the file is gone")
	}
	at, stop := serve(t, Events{Data: echo}, "unix://"+stale)
	roundTrip(t, dial(t, at[0]), "hello")
	stop()
}
