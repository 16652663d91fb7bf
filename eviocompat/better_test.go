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
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// evio's loop spins while output is pending and input waits: an event for the input makes the loop
// try to write. Each loop of evio also wakes ten times a second when nothing happens. Here eight
// loops are idle, and one of them has a megabyte of output that nobody reads and an unread request
// behind it. Of ten intervals of 200 ms, at least one must use almost no processor time.
func TestPendingOutputAndIdleLoopsSleep(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
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
		time.Sleep(200 * time.Millisecond)
		unix.Getrusage(unix.RUSAGE_SELF, &after)
		spent = time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
		if sleeps = int64(after.Nvcsw - before.Nvcsw); spent < 20*time.Millisecond && sleeps < 8*3 {
			rests = true
			break
		}
	}
	if !rests {
		t.Errorf("%v of processor time and %d sleeps in 200 ms", spent, sleeps)
	}
	go io.Copy(io.Discard, c)
	stop()
}

// With WithPanicHandler, a panic in an event ends only its own connection, and Closed is called for
// it.
func TestPanicEndsOneConnection(t *testing.T) {
	t.Parallel()
	caught, closed, ready := make(chan any, 1), make(chan error, 1), make(chan net.Addr, 1)
	var end atomic.Bool
	events := Events{
		Serving: func(s Server) Action { ready <- s.Addrs[0]; return None },
		Data: func(c Conn, in []byte) ([]byte, Action) {
			if in[0] == '!' {
				panic("as asked")
			}
			return in, None
		},
		Closed: func(c Conn, err error) Action {
			select {
			case closed <- err:
			default:
			}
			return None
		},
		Tick: func() (time.Duration, Action) {
			if end.Load() {
				return 0, Shutdown
			}
			return 5 * time.Millisecond, None
		},
	}
	result := make(chan error)
	opts := []reactor.Option{reactor.WithPanicHandler(func(_ *reactor.Conn, v any, _ []byte) { caught <- v })}
	go func() { result <- ServeWith(opts, events, "tcp://127.0.0.1:0") }()
	at := <-ready
	one, other := dial(t, at), dial(t, at)
	io.WriteString(one, "!")
	if v := <-caught; v != "as asked" {
		t.Error(v)
	}
	if err := <-closed; err == nil {
		t.Error("Closed was told nil")
	}
	io.WriteString(other, "x")
	if _, err := io.ReadFull(other, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	end.Store(true)
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// If no descriptor is free, evio's Serve ends. Here Serve continues with the open connections, and
// serves the waiting ones as soon as descriptors are free. The test runs in a process of its own.
func TestServesOnAtTheDescriptorLimit(t *testing.T) {
	t.Parallel()
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
		_ = c.SetDeadline(time.Now().Add(longtest.Guard))
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
	// A client's descriptor was the last one, so now the server meets the limit too.
	time.Sleep(50 * time.Millisecond)
	talk(first)
	for _, c := range open {
		c.Close()
	}
	c, err := net.Dial("tcp", at)
	die(err)
	talk(c)
}

// A client sends 8 MiB in writes of 1 MiB, half-closes, and only then reads. It receives all bytes
// back. With evio such a client stalls or loses pending output.
func TestStreamsWithoutStallOrLoss(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
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

// Output that was sent before the actions Close and Shutdown arrives, followed by the end of input
// and no reset.
func TestActionsDeliverFirst(t *testing.T) {
	t.Parallel()
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

// evio closes the descriptor number of a listener twice. If other code has opened a file between
// the two, the second close closes that file. Here a hundred calls of Serve start and end, five at
// a time, while a goroutine checks that its own descriptors stay open.
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
