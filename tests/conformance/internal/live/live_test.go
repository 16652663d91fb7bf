package live

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/poller"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// began is a time shortly before the world began.
var began time.Time

// TestMain replaces the host's kernel before the first socket exists, as the bridge does.
func TestMain(m *testing.M) {
	began = time.Now()
	kernel.Host = New(1, sim.Options{})
	desc.Parked = desc.NewParker(kernel.Host)
	goleak.VerifyTestMain(m)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ok(t testing.TB, e kernel.Errno) {
	t.Helper()
	if e != 0 {
		t.Fatal(e)
	}
}

// listen makes a listener, and returns it with the address to which clients connect.
func listen(t *testing.T) (*socket.Socket, socket.Addr) {
	l, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	must(t, l.Bind(socket.Tuple("127.0.0.1", 0)))
	must(t, l.Listen(socket.DefaultBacklog))
	at, err := l.LocalAddr()
	must(t, err)
	return l, at
}

// Sixteen clients, each on a goroutine, send 100 KiB to servers on other goroutines. The servers
// poll before they read, and everything comes back. The race detector finds a missing lock.
func TestGoroutinesTalkThroughTheWorld(t *testing.T) {
	l, at := listen(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() { serve(t, l) })
		all.Go(func() { ask(t, at, bytes.Repeat([]byte{byte(i)}, 100<<10)) })
	}
	all.Wait()
}

func serve(t *testing.T, l *socket.Socket) {
	conn, _, err := l.Accept()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	p := sel.New()
	defer p.Close()
	if err := p.Register(conn, sel.POLLIN); err != nil {
		t.Error(err)
	}
	for {
		_, err := p.Poll(-1)
		got, e := conn.Recv(10_000)
		if err = errors.Join(err, e); err != nil || len(got) == 0 {
			if err != nil {
				t.Error(err)
			}
			return
		}
		if _, err := conn.SendAll(got); err != nil {
			t.Error(err)
			return
		}
	}
}

func ask(t *testing.T, at socket.Addr, data []byte) {
	c, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	if err := c.Connect(at); err != nil {
		t.Error(err)
		return
	}
	var sent sync.WaitGroup
	sent.Go(func() {
		if _, err := c.SendAll(data); err != nil {
			t.Error(err)
		}
	})
	got := make([]byte, len(data))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, data) {
		t.Errorf("came back otherwise: %v", err)
	}
	sent.Wait()
}

// Calls with timeouts of many lengths run at the same time, while another goroutine looks at the
// world repeatedly. No call ends before its timeout by the machine's clock, and the world's clock
// is never ahead of the machine's.
func TestNothingIsEarly(t *testing.T) {
	k := kernel.Host.(*Kernel)
	q, err := k.NewPoller()
	must(t, err)
	var stop atomic.Bool
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		for !stop.Load() {
			if ahead, err := lookAgain(k, q); ahead > 0 || err != nil {
				t.Errorf("the world is ahead by %v, %v", ahead, err)
				return
			}
		}
	}()
	var all sync.WaitGroup
	for i := range 20 {
		d := time.Duration(i+1) * time.Millisecond
		all.Go(func() { early(t, "Wait", d, waitFor(t, k, d)) })
		all.Go(func() { early(t, "recv", d, recvFor(t, d)) })
	}
	all.Wait()
	stop.Store(true)
	<-looked
	must(t, q.Close())
}

// lookAgain waits at a Poller that already has an Event. It then returns by how much the world's
// clock is ahead of the machine's.
func lookAgain(k *Kernel, q poller.Poller) (ahead time.Duration, err error) {
	if err := q.Wake(); err != nil {
		return 0, err
	}
	_, err = q.Wait(make([]poller.Event, 1), 0)
	k.live.Do(func(w *sim.World) { ahead = w.Now() - time.Since(began) })
	return ahead, err
}

func early(t *testing.T, what string, d, took time.Duration) {
	if took < d {
		t.Errorf("a %s of %v took %v", what, d, took)
	}
}

func waitFor(t *testing.T, k *Kernel, d time.Duration) time.Duration {
	q, err := k.NewPoller()
	if err != nil {
		t.Error(err)
		return 0
	}
	defer q.Close()
	from := time.Now()
	if n, err := q.Wait(make([]poller.Event, 1), k.Now()+timeout.Deadline(d)); n != 0 || err != nil {
		t.Errorf("%d Events, %v", n, err)
	}
	return time.Since(from)
}

func recvFor(t *testing.T, d time.Duration) time.Duration {
	s, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer s.Close()
	if err := s.SetTimeout(timeout.Timeout(d)); err != nil {
		t.Error(err)
	}
	from := time.Now()
	if _, err := s.Recv(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	return time.Since(from)
}

// One goroutine waits without limit, and another goroutine ends the wait: by Wake, by adding a
// ready descriptor, or by sending. Sometimes this happens before the first goroutine has begun to
// wait again.
func TestWaitForEverHearsOfOthers(t *testing.T) {
	k := kernel.Host.(*Kernel)
	q, err := k.NewPoller()
	must(t, err)
	got := make(chan string)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		var events [4]poller.Event
		for {
			n, err := q.Wait(events[:], timeout.Never)
			if err != nil {
				t.Error(err)
			}
			what := fmt.Sprint(n)
			for _, ev := range events[:n] {
				what += fmt.Sprint(" ", ev.Gen, " ", ev.Ready)
			}
			if got <- what; what == "0" {
				return
			}
		}
	}()
	expect := func(want string) {
		t.Helper()
		if is := <-got; is != want {
			t.Fatalf("heard %q, want %q", is, want)
		}
	}
	fd, e := k.Socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
	ok(t, e)
	ok(t, k.Bind(fd, kernel.Addr{Family: socket.AF_INET}))
	at, e := k.LocalAddr(fd)
	ok(t, e)
	copy(at.IP[:], []byte{127, 0, 0, 1})
	must(t, q.Add(fd, 1, poller.Out|poller.Edge))
	expect("1 1 out")
	for range 100 {
		must(t, q.Mod(fd, 2, poller.In|poller.Edge))
		_, e = k.SendTo(fd, []byte("x"), 0, at)
		ok(t, e)
		expect("1 2 in")
		_, e = k.Recv(fd, make([]byte, 1), 0)
		ok(t, e)
		must(t, q.Mod(fd, 3, poller.Out|poller.Edge))
		expect("1 3 out")
	}
	must(t, q.Del(fd))
	must(t, q.Wake())
	expect("0")
	<-stopped
	must(t, q.Close())
	ok(t, k.Close(fd))
}

// The simulator fails if a descriptor is closed while it is registered with a Poller. This failure
// becomes a panic.
func TestWorldThatFailsPanics(t *testing.T) {
	k := New(1, sim.Options{})
	q, err := k.NewPoller()
	must(t, err)
	fd, e := k.Socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
	ok(t, e)
	must(t, q.Add(fd, 1, poller.In))
	defer func() {
		if v := fmt.Sprint(recover()); !strings.Contains(v, "while it is registered with a Poller") {
			t.Errorf("panicked with %q", v)
		}
	}()
	k.Close(fd)
}
