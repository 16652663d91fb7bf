//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
)

const (
	IN, OUT, ERR, HUP, NVAL = sel.POLLIN, sel.POLLOUT, sel.POLLERR, sel.POLLHUP, sel.POLLNVAL

	// A poll that waits this long has failed already; no right run does. In milliseconds.
	guard = 60_000
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// must ends the test; in a task t.Fatal is not allowed.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// A lab is one of the two ways of waiting: parked goroutines, or tasks of one reactor.
type lab struct {
	testing.TB
	r    *reactor.Reactor // nil: parked
	task *reactor.Task
	open map[*object]bool
	spy  *spy
}

// both runs the test in both ways, each with a minute to end.
func both(t *testing.T, f func(l *lab)) {
	t.Run("parked", func(t *testing.T) {
		l := newLab(t, nil)
		defer l.closeAll()
		f(l)
	})
	t.Run("task", func(t *testing.T) { inTask(t, f) })
}

func inTask(t testing.TB, f func(l *lab)) {
	t.Helper()
	r, err := reactor.New()
	must(err)
	l := newLab(t, r)
	r.Go(func(task *reactor.Task) {
		defer r.Close()
		defer l.closeAll()
		l.task = task
		f(l)
	})
	must(r.Run(context.Background()))
}

func newLab(t testing.TB, r *reactor.Reactor) *lab {
	l := &lab{TB: t, r: r, open: map[*object]bool{}}
	l.spy = &spy{Waiter: l.waiter(), who: map[*desc.Desc]bool{}}
	return l
}

func (l *lab) closeAll() {
	for o := range maps.Clone(l.open) {
		o.close()
	}
}

func (l *lab) waiter() desc.Waiter {
	if l.r != nil {
		return l.r.Waiter()
	}
	return desc.Parked
}

// poll makes a Poll and registers the objects.
func (l *lab) poll(objs ...sel.Pollable) *sel.Poll {
	p := sel.NewBy(kernel.Host, l.spy)
	l.Cleanup(func() { p.Close() })
	for _, o := range objs {
		must(p.Register(o))
	}
	return p
}

// elsewhere runs f beside the caller, and returns what waits for its end. In a task, f runs when the caller first waits.
func (l *lab) elsewhere(f func()) (join func()) {
	if l.r != nil {
		u := l.task.Go(func(*reactor.Task) { f() })
		me := l.task
		return func() { me.Join(u) }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return func() { <-done }
}

// asleep runs a poll elsewhere and returns when that sleeps: what is done next happens during its wait.
func (l *lab) asleep(call func()) (join func()) {
	join = l.elsewhere(call)
	for l.spy.asleep() == 0 {
		l.pass()
	}
	return join
}

// pass lets others run.
func (l *lab) pass() {
	if l.r != nil {
		l.task.Sleep(0)
		return
	}
	runtime.Gosched()
}

// An object is the least that is pollable by its descriptor.
type object struct {
	l *lab
	d *desc.Desc
}

func (o *object) Desc() *desc.Desc { return o.d }

func (o *object) close() {
	delete(o.l.open, o)
	o.d.Close()
}

// own makes an object of a descriptor.
func (l *lab) own(fd int, err error) *object {
	must(err)
	must(unix.SetNonblock(fd, true))
	o := &object{l, desc.New(kernel.Host, fd, l.waiter())}
	l.open[o] = true
	return o
}

func (l *lab) pair() (a, b *object) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	return l.own(ends[0], err), l.own(ends[1], nil)
}

func (l *lab) tcp() *object { return l.own(unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)) }
func (l *lab) udp() *object {
	o := l.own(unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0))
	must(unix.Bind(o.d.FD, loopback))
	return o
}

var loopback = &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}

func (o *object) addr() unix.Sockaddr {
	a, err := unix.Getsockname(o.d.FD)
	must(err)
	return a
}

func (l *lab) listener(backlog int) *object {
	o := l.tcp()
	must(unix.Bind(o.d.FD, loopback))
	must(unix.Listen(o.d.FD, backlog))
	return o
}

// dial connects by TCP; both ends are there when it returns.
func (l *lab) dial() (client, server *object) {
	ln := l.listener(8)
	defer ln.close()
	client = l.tcp()
	if err := unix.Connect(client.d.FD, ln.addr()); err != unix.EINPROGRESS {
		must(err)
	}
	l.until(ln, IN)
	fd, _, err := unix.Accept(ln.d.FD)
	server = l.own(fd, err)
	l.until(client, OUT)
	return client, server
}

// until waits by poll(2), which is not under test.
func (l *lab) until(o *object, want sel.Events) {
	p := []unix.PollFd{{Fd: int32(o.d.FD), Events: int16(want)}}
	for {
		if n, err := unix.Poll(p, guard); n > 0 && sel.Events(p[0].Revents)&want != 0 {
			return
		} else if err != nil && err != unix.EINTR || n == 0 {
			panic(fmt.Sprint("poll(2): ", n, err, p))
		}
	}
}

func (o *object) write(p string) {
	_, err := unix.Write(o.d.FD, []byte(p))
	must(err)
}

func (o *object) read() {
	var p [64]byte
	_, err := unix.Read(o.d.FD, p[:])
	must(err)
}

// reset closes so that the peer is reset.
func (o *object) reset() {
	must(unix.SetsockoptLinger(o.d.FD, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
	o.close()
}

// is is what a poll should find.
type is map[sel.Pollable]sel.Events

// expect polls, waiting at most so many milliseconds, and wants exactly these, each once.
func (l *lab) expect(p *sel.Poll, ms int, want is) {
	l.Helper()
	got, err := p.Poll(ms)
	if err != nil {
		l.Errorf("Poll(%d): %v", ms, err)
	}
	l.same("Poll", got, want)
}

func (l *lab) same(what string, got []sel.Event, want is) {
	l.Helper()
	seen := is{}
	for _, ev := range got {
		if _, twice := seen[ev.Obj]; twice {
			l.Errorf("%s: %s twice", what, name(ev.Obj))
		}
		seen[ev.Obj] = ev.Events
	}
	if !maps.Equal(seen, want) {
		l.Errorf("%s: got %s, want %s", what, show(seen), show(want))
	}
}

func name(o sel.Pollable) string {
	if o, ok := o.(*object); ok {
		return fmt.Sprintf("object %d", o.d.FD)
	}
	return fmt.Sprintf("%T(%v)", o, o)
}

func show(m is) string {
	s := "["
	for o, ev := range m {
		s += fmt.Sprintf(" %s:%v(%d)", name(o), ev, int(ev))
	}
	return s + " ]"
}

// lap measures; the clock is the one that the waits go by.
func lap() (passed func() time.Duration) {
	from := kernel.Host.Now()
	return func() time.Duration { return time.Duration(kernel.Host.Now() - from) }
}

func newDesc(fd int) *desc.Desc { return desc.New(kernel.Host, fd, desc.Parked) }

// poll2 asks poll(2) about one descriptor.
func poll2(fd int) sel.Events {
	ready, e := kernel.Host.Ready(fd)
	if e == kernel.EBADF {
		return NVAL
	}
	if e != 0 {
		panic(e)
	}
	var ev sel.Events
	for bit, to := range []sel.Events{IN, OUT, ERR, HUP} {
		if ready&(1<<bit) != 0 {
			ev |= to
		}
	}
	return ev
}
