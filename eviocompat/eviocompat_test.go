//go:build linux || darwin || freebsd

package eviocompat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

const childEnv = "EVIOCOMPAT_TEST_CHILD"

// TestMain also runs what needs a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		atDescriptorLimit()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// serve runs Serve until stop, which returns its error. at are the addresses.
func serve(t *testing.T, ev Events, addr ...string) (at []net.Addr, stop func() error) {
	t.Helper()
	var end atomic.Bool
	tick := ev.Tick
	ev.Tick = func() (time.Duration, Action) {
		if end.Load() {
			return 0, Shutdown
		}
		if tick != nil {
			return tick()
		}
		return 5 * time.Millisecond, None
	}
	return serveQuietly(t, ev, func() { end.Store(true) }, addr...)
}

// serveQuietly has no Tick but what ev has.
func serveQuietly(t *testing.T, ev Events, end func(), addr ...string) (at []net.Addr, stop func() error) {
	t.Helper()
	ready, result := make(chan []net.Addr, 1), make(chan error, 1)
	serving := ev.Serving
	ev.Serving = func(s Server) Action {
		ready <- s.Addrs
		if serving != nil {
			return serving(s)
		}
		return None
	}
	go func() { result <- Serve(ev, addr...) }()
	select {
	case at = <-ready:
	case err := <-result:
		t.Fatal(err)
	}
	return at, sync.OnceValue(func() error { end(); return <-result })
}

func dial(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func echo(c Conn, in []byte) ([]byte, Action) { return in, None }

func roundTrip(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, len(text))
	if _, err := io.ReadFull(c, p); err != nil || string(p) != text {
		t.Fatalf("%q, %v; want %q", p, err, text)
	}
}

func noise(n int) []byte {
	p := make([]byte, n)
	x := uint32(1)
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	return p
}

// Every scheme, option and balance serves; each Conn knows which address it came by.
func TestSchemes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	addrs := []string{"tcp://127.0.0.1:0", "tcp4://127.0.0.1:0?reuseport=true", "tcp6://[::1]:0", "127.0.0.1:0",
		"tcp-net://127.0.0.1:0", "tcp4-net://127.0.0.1:0?reuseport=1", "unix://" + path, "unix-net://" + path + "2",
		"udp://127.0.0.1:0", "udp4://127.0.0.1:0?reuseport=yes", "udp6://[::1]:0", "udp-net://127.0.0.1:0"}
	for _, balance := range []LoadBalance{Random, RoundRobin, LeastConnections} {
		for _, loops := range []int{0, 1, 5, -1} {
			t.Run(fmt.Sprint(balance, loops), func(t *testing.T) {
				at, stop := serve(t, Events{NumLoops: loops, LoadBalance: balance,
					Data: func(c Conn, in []byte) ([]byte, Action) {
						c.SetContext(c.AddrIndex())
						if c.LocalAddr() == nil || c.RemoteAddr() == nil {
							t.Error("no address")
						}
						return fmt.Appendf(nil, "%s %d", in, c.Context()), None
					}}, addrs...)
				if len(at) != len(addrs) {
					t.Fatalf("%d addresses", len(at))
				}
				for i, a := range at {
					c := dial(t, a)
					_ = c.SetDeadline(time.Now().Add(20 * time.Second))
					io.WriteString(c, "hello")
					p := make([]byte, 100)
					if n, err := c.Read(p); err != nil || string(p[:n]) != fmt.Sprint("hello ", i) {
						t.Errorf("%s: %q, %v", addrs[i], p[:n], err)
					}
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file: %v", err)
	}
}

// While output is pending, evio's loop spins as soon as input waits too: it is told of the input and tries to write. And
// every loop of it wakes ten times a second when nothing happens. Here eight loops, one of them with a megabyte that nobody
// reads and a request that waits behind it, come to rest: of several half seconds one takes next to no processor time.
func TestPendingOutputAndIdleLoopsSleep(t *testing.T) {
	big := noise(8 << 20)
	opened := make(chan Conn, 1)
	rests := false
	at, stop := serve(t, Events{NumLoops: 8,
		Tick: func() (time.Duration, Action) { return 100 * time.Millisecond, None },
		Opened: func(c Conn) ([]byte, Options, Action) {
			opened <- c
			return big, Options{}, None
		},
	}, "tcp://127.0.0.1:0")
	c := dial(t, at[0])
	<-opened
	io.WriteString(c, "a request")
	var spent time.Duration
	var sleeps int64
	for range 10 {
		var before, after unix.Rusage
		unix.Getrusage(unix.RUSAGE_SELF, &before)
		time.Sleep(500 * time.Millisecond)
		unix.Getrusage(unix.RUSAGE_SELF, &after)
		spent = time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
		if sleeps = after.Nvcsw - before.Nvcsw; spent < 50*time.Millisecond && sleeps < 8*5 {
			rests = true
			break
		}
	}
	if !rests {
		t.Errorf("%v of processor time and %d sleeps in 500 ms", spent, sleeps)
	}
	go io.Copy(io.Discard, c)
	stop()
}

// At the limit of descriptors evio's Serve ends. Here those who are connected are served on, and the others as soon as
// there is room. In a process of its own.
func TestServesOnAtTheDescriptorLimit(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func atDescriptorLimit() {
	die := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	ready := make(chan net.Addr, 1)
	go func() {
		die(Serve(Events{Data: echo, Serving: func(s Server) Action { ready <- s.Addrs[0]; return None }}, "tcp://127.0.0.1:0"))
		die(errors.New("Serve has ended"))
	}()
	at := (<-ready).String()
	talk := func(c net.Conn) {
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		_, err := io.WriteString(c, "hello")
		die(err)
		_, err = io.ReadFull(c, make([]byte, 5))
		die(err)
	}
	first, err := net.Dial("tcp", at)
	die(err)
	talk(first)
	var limit unix.Rlimit
	die(unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	limit.Cur = 40
	die(unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	var open []net.Conn
	for {
		c, err := net.Dial("tcp", at)
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		die(err)
		open = append(open, c)
	}
	time.Sleep(50 * time.Millisecond) // the server meets the limit too: a client's descriptor was the last
	talk(first)
	for _, c := range open {
		c.Close()
	}
	c, err := net.Dial("tcp", at)
	die(err)
	talk(c)
}

// In evio Wake's answer takes the place of output that is pending. Here it comes after it, for every Wake one.
func TestWakeLosesNoOutput(t *testing.T) {
	first := noise(4 << 20)
	const wakes = 100
	var woken atomic.Int64
	opened := make(chan Conn, 1)
	at, stop := serve(t, Events{
		Opened: func(c Conn) ([]byte, Options, Action) { opened <- c; return first, Options{}, None },
		Data: func(c Conn, in []byte) ([]byte, Action) {
			if in != nil {
				return nil, Close
			}
			return fmt.Appendf(nil, "%03d", woken.Add(1)-1), None
		},
	}, "tcp://127.0.0.1:0")
	c := dial(t, at[0])
	server := <-opened
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range wakes / 10 {
				server.Wake()
			}
		})
	}
	all.Wait()
	for woken.Load() < wakes {
		time.Sleep(time.Millisecond)
	}
	io.WriteString(c, "done")
	got, err := io.ReadAll(c)
	want := first
	for i := range wakes {
		want = fmt.Appendf(want, "%03d", i)
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
	server.Wake() // of a connection that is gone: nothing
	if err := stop(); err != nil || woken.Load() != wakes {
		t.Errorf("%v, %d wakes", err, woken.Load())
	}
	server.Wake()
}

// A client that sends 8 MiB in 1 MiB writes, half-closes, then reads, gets all of it back: evio stalls in it, or loses what
// was pending.
func TestStreamsWithoutStallOrLoss(t *testing.T) {
	at, stop := serve(t, Events{NumLoops: 2, Data: echo}, "tcp://127.0.0.1:0")
	sent := noise(8 << 20)
	var all sync.WaitGroup
	for range 4 {
		c := dial(t, at[0])
		all.Go(func() {
			for p := sent; len(p) > 0; p = p[1<<20:] {
				if _, err := c.Write(p[:1<<20]); err != nil {
					t.Error(err)
				}
			}
			c.(*net.TCPConn).CloseWrite()
		})
		all.Go(func() {
			time.Sleep(10 * time.Millisecond)
			if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%d bytes of %d, %v", len(got), len(sent), err)
			}
		})
	}
	all.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// What was sent before Close, and before Shutdown, arrives; then the end, and no reset.
func TestActionsDeliverFirst(t *testing.T) {
	big := noise(3 << 20)
	for _, action := range []Action{Close, Shutdown} {
		closed := make(chan error, 1)
		at, stop := serve(t, Events{
			Data:   func(Conn, []byte) ([]byte, Action) { return big, action },
			Closed: func(_ Conn, err error) Action { closed <- err; return None },
		}, "tcp://127.0.0.1:0")
		c := dial(t, at[0])
		io.WriteString(c, "go")
		time.Sleep(50 * time.Millisecond)
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, big) {
			t.Errorf("%v: %d bytes of %d, %v", action, len(got), len(big), err)
		}
		c.Close()
		if err := <-closed; err != nil {
			t.Errorf("Closed(%v)", err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// Every other event may ask for Shutdown too; Serve ends and leaves nothing (goleak).
func TestShutdownFromEveryEvent(t *testing.T) {
	for _, from := range []string{"Serving", "Opened", "Data", "Closed", "Detached", "Tick", "udp", "Wake"} {
		t.Run(from, func(t *testing.T) {
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
			at, stop := serveQuietly(t, ev, func() {}, "tcp://127.0.0.1:0", "udp://127.0.0.1:0")
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

// evio closes a listener twice: when somebody has opened a file in between, that one's descriptor. Here a hundred
// Serves come and go, five at a time, beside a goroutine whose descriptors nobody else may close.
func TestListenersAreClosedOnce(t *testing.T) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			r, w, err := os.Pipe()
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(50 * time.Microsecond)
			if err := errors.Join(r.Close(), w.Close()); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			for range 20 {
				ev := Events{Serving: func(Server) Action { return Shutdown }}
				if err := Serve(ev, "tcp://127.0.0.1:0?reuseport=true"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	close(stop)
	<-done
}

// The options of a connection, seen where it is detached: TCP_NODELAY, which evio does not set, and what Options ask for.
// What was sent before comes first, whatever size it has, and a Close does not cut it off.
func TestDetach(t *testing.T) {
	first := noise(2 << 20)
	for _, useUnix := range []bool{false, true} {
		addr := "tcp://127.0.0.1:0"
		if useUnix {
			addr = "unix://" + filepath.Join(t.TempDir(), "s")
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

// A detached connection that is closed at once still delivers what was sent before.
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

// Tick comes at once, then never earlier than it asked for; PreWrite comes before what an event returned is sent.
func TestTickAndPreWrite(t *testing.T) {
	var pre, ticks int
	var last time.Time
	at, stop := serveQuietly(t, Events{
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

// Input is a copy of its own unless the connection asks for the shared buffer.
func TestInputBuffer(t *testing.T) {
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

// What cannot be served is an error that says why, and nothing stays open: a file at a Unix path that is no socket is
// left alone, a stale socket is replaced, as evio does.
func TestBadAndStaleAddresses(t *testing.T) {
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
