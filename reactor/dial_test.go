//go:build unix

package reactor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// dialled records the callbacks of one Dial.
type dialled struct {
	c      *Conn
	opened int
	closed []error
	got    string
}

func (d *dialled) handler() Handler {
	return &hooks{
		opened: func(*Conn) { d.opened++ },
		data:   func(_ *Conn, p []byte) { d.got += string(p) },
		closed: func(_ *Conn, err error) { d.closed = append(d.closed, err) },
	}
}

func dialOn(t testing.TB, r *Reactor, network, addr string, opts ...DialOption) *dialled {
	t.Helper()
	d := &dialled{}
	c, err := r.Dial(network, addr, d.handler(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	if d.opened+len(d.closed) > 0 {
		t.Error("the handler was called within Dial")
	}
	d.c = c
	return d
}

// lookups is a host whose names the test chooses. If block is set, a lookup ends only after block
// is closed. If the test's kernel cannot wait for that, the lookup begins only after it.
type lookups struct {
	*faults
	names map[string][]netip.Addr
	block chan struct{}
	held  []func()
}

func (k *lookups) Go(f func()) {
	if k.block != nil && k.Kernel != kernel.Host {
		k.held = append(k.held, f)
		return
	}
	k.faults.Go(f)
}

// release closes block, so that the lookups end.
func (k *lookups) release() {
	close(k.block)
	for _, f := range k.held {
		k.faults.Go(f)
	}
}

func (k *lookups) Lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if k.block != nil {
		select {
		case <-k.block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if ips := k.names[host]; ips != nil {
		return ips, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// Dial works with every network and every kind of address. Bytes that are sent before the Conn is
// connected arrive first.
func TestDialConnectsAndSendsWhatWasSentBefore(t *testing.T) {
	twice(t, func(t *lab) {
		for _, network := range []string{"tcp", "tcp4", "tcp6", "unix"} {
			t.Run(network, func(t *lab) {
				r := t.reactor()
				l, err := r.Listen(network, anyAddr(t, network), acceptEcho)
				if err != nil {
					t.Fatal(err)
				}
				d := dialOn(t, r, network, l.Addr().String())
				if d.c.LocalAddr() != nil || d.c.RemoteAddr() != nil || d.c.FD() != -1 {
					t.Error("addresses before there is a connection")
				}
				d.c.Send([]byte("before, "))
				d.c.Send(make([]byte, 0))
				d.c.SendV([]byte("in "), []byte("pieces"))
				d.c.CloseWrite()
				turnUntil(t, r, func() bool { return d.opened == 1 })
				if got := d.c.RemoteAddr().String(); got != l.Addr().String() {
					t.Errorf("RemoteAddr %s, want %s", got, l.Addr())
				}
				turnUntil(t, r, func() bool { return len(d.closed) > 0 })
				if d.got != "before, in pieces" || d.closed[0] != nil || d.opened != 1 {
					t.Errorf("got %q, Closed(%v), opened %d times", d.got, d.closed[0], d.opened)
				}
			})
		}
	})
}

// After a refused connect Closed is called once, in a later turn, and Opened is never called. A
// system can report the refusal in two ways, and the test checks both. The error has both
// addresses.
func TestDialRefused(t *testing.T) {
	twice(t, func(t *lab) {
		l := t.server("tcp", 1)
		addr := l.addr().String()
		l.close()
		r := t.reactor()
		d := dialOn(t, r, "tcp", addr)
		d.c.Send([]byte("lost"))
		turnUntil(t, r, func() bool { return len(d.closed) > 0 })
		r.Turn(0)
		if len(d.closed) != 1 || d.opened != 0 || !errors.Is(d.closed[0], kernel.ECONNREFUSED) {
			t.Errorf("opened %d times, closed %v", d.opened, d.closed)
		}
		if want := "reactor: dial tcp " + addr + ": connect: connection refused"; d.closed[0].Error() != want {
			t.Errorf("%q, want %q", d.closed[0], want)
		}
		u := dialOn(t, r, "unix", t.TempDir()+"/nobody")
		turnUntil(t, r, func() bool { return len(u.closed) > 0 })
		if !errors.Is(u.closed[0], kernel.ENOENT) || r.conns != 0 || r.table.Len() != 0 {
			t.Errorf("closed %v; %d Conns, %d in the table", u.closed, r.conns, r.table.Len())
		}
	})
}

// The backlog of a listener is full, because nobody accepts. So connects stay in progress without
// limit. WithDialTimeout ends them, and not too early.
func TestDialTimeout(t *testing.T) {
	twice(t, func(t *lab) {
		addr := t.server("tcp", 0).addr().String()
		r := t.reactor()
		var first []*dialled
		for range 2 { // Linux accepts one connection more than the backlog
			first = append(first, dialOn(t, r, "tcp", addr))
		}
		turnUntil(t, r, func() bool { return first[0].opened > 0 })
		due := r.Now() + timeout.Deadline(50*time.Millisecond)
		d := dialOn(t, r, "tcp", addr, WithDialTimeout(50*time.Millisecond))
		turnUntil(t, r, func() bool { return len(d.closed) > 0 || d.opened > 0 })
		if d.opened > 0 {
			t.Log("not on this kernel: this system's backlog is never full")
			return
		}
		if r.Now() < due {
			t.Error("the timeout came early")
		}
		if !errors.Is(d.closed[0], kernel.ETIMEDOUT) {
			t.Errorf("closed %v", d.closed)
		}
		for _, f := range first {
			f.c.Abort()
		}
	})
}

// A lookup of a name does not block the loop. A Dial continues after an address that fails, and
// skips addresses of another family. If all addresses fail, it reports the error of the last one.
func TestDialTriesEveryAddress(t *testing.T) {
	twice(t, func(t *lab) {
		l := t.server("tcp", 1)
		dead := port(l.addr())
		l.close()
		k := &lookups{faults: t.faults(), names: map[string][]netip.Addr{
			"good":  {netip.MustParseAddr("127.0.0.9"), netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.8"), netip.MustParseAddr("127.0.0.1")},
			"bad":   {netip.MustParseAddr("127.0.0.9"), netip.MustParseAddr("127.0.0.8")},
			"six":   {netip.MustParseAddr("::1")},
			"empty": {},
		}}
		r := t.reactor(WithKernel(k))
		server, err := r.Listen("tcp4", "127.0.0.1:0", acceptEcho)
		if err != nil {
			t.Fatal(err)
		}
		alive := port(server.Addr())
		d := dialOn(t, r, "tcp", "good:"+alive)
		turnUntil(t, r, func() bool { return d.opened+len(d.closed) > 0 })
		if d.opened != 1 {
			t.Errorf("closed %v", d.closed)
		}
		bad := dialOn(t, r, "tcp", "bad:"+dead)
		six := dialOn(t, r, "tcp4", "six:"+alive)
		none := dialOn(t, r, "tcp", "nobody:"+alive)
		empty := dialOn(t, r, "tcp", "empty:"+alive)
		turnUntil(t, r, func() bool {
			return len(bad.closed) > 0 && len(six.closed) > 0 && len(none.closed) > 0 && len(empty.closed) > 0
		})
		var dns *net.DNSError
		refused := kernel.Errno(kernel.ECONNREFUSED)
		if t.os() != "linux" { // on other systems lo0 has only 127.0.0.1
			refused = kernel.EHOSTUNREACH
		}
		if !errors.Is(bad.closed[0], refused) || !errors.As(none.closed[0], &dns) ||
			six.closed[0] == nil || empty.closed[0] == nil {
			t.Errorf("closed %v, %v, %v, %v", bad.closed, six.closed, none.closed, empty.closed)
		}
		if len(bad.closed)+len(six.closed)+len(none.closed) != 3 {
			t.Error("Closed twice")
		}
		d.c.Abort()
		turnUntil(t, r, func() bool { return r.conns == 0 })
		if n := k.opened.Load(); n != 1 {
			t.Errorf("%d descriptors are open, want the listener's", n)
		}
	})
}

// Dial resolves localhost with the resolver of the machine.
func TestDialLocalhost(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		l, err := r.Listen("tcp", "localhost:0", acceptEcho)
		if err != nil {
			t.Fatal(err)
		}
		d := dialOn(t, r, "tcp", "localhost:"+port(l.Addr()))
		turnUntil(t, r, func() bool { return d.opened+len(d.closed) > 0 })
		if d.opened != 1 {
			t.Errorf("closed %v", d.closed)
		}
	})
}

// Close or Abort in each stage of a Dial causes one Closed, with ErrClosed or ErrAborted, and no
// Opened. Nothing is left, not even the goroutine of the lookup (TestMain checks that).
func TestCloseWhileDialling(t *testing.T) {
	twice(t, func(t *lab) {
		for _, host := range []string{"127.0.0.1", "slow", "good"} {
			for name, end := range map[string]func(*Conn) error{"Close": (*Conn).Close, "Abort": (*Conn).Abort} {
				t.Run(host+" "+name, func(t *lab) {
					k := &lookups{faults: t.faults(), names: map[string][]netip.Addr{"good": {netip.MustParseAddr("127.0.0.1")}}}
					if host == "slow" {
						k.block = make(chan struct{})
					}
					r := t.reactor(WithKernel(k))
					d := dialOn(t, r, "tcp", host+":1")
					if name == "Abort" { // Close would wait for the output
						d.c.Send([]byte("x"))
					}
					end(d.c)
					end(d.c)
					for _, err := range []error{d.c.Send([]byte("x")), d.c.CloseWrite(), d.c.Pause(), d.c.SetReadTimeout(1)} {
						if !errors.Is(err, net.ErrClosed) {
							t.Errorf("after the end: %v", err)
						}
					}
					r.Turn(0)
					r.Turn(0)
					if len(d.closed) != 1 || d.opened != 0 || r.conns != 0 || r.unconnected.n != 0 {
						t.Fatalf("opened %d, closed %v, %d Conns", d.opened, d.closed, r.conns)
					}
					if name == "Abort" && d.closed[0] != ErrAborted || name == "Close" && !errors.Is(d.closed[0], net.ErrClosed) {
						t.Errorf("Closed(%v)", d.closed[0])
					}
					if r.timers.Len() != 0 || k.opened.Load() != 0 {
						t.Errorf("%d timers, %d descriptors", r.timers.Len(), k.opened.Load())
					}
				})
			}
		}
	})
}

// If a lookup takes too long, the Dial times out. The late answer is dropped.
func TestDialTimeoutOfTheLookup(t *testing.T) {
	twice(t, func(t *lab) {
		k := &lookups{faults: t.faults(), block: make(chan struct{})}
		r := t.reactor(WithKernel(k))
		d := dialOn(t, r, "tcp", "slow:1", WithDialTimeout(time.Millisecond))
		turnUntil(t, r, func() bool { return len(d.closed) > 0 })
		k.release()
		t.pass(5 * time.Millisecond)
		if !errors.Is(d.closed[0], kernel.ETIMEDOUT) || r.unconnected.n != 0 {
			t.Errorf("closed %v", d.closed)
		}
	})
}

// A spurious Event does not end a connect that is in progress.
func TestConnectSurvivesSpuriousEvents(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		var to Addr
		k.connect = func(_ int, a Addr) (kernel.Errno, bool) { to = a; return kernel.EINPROGRESS, true }
		r := t.reactor(WithKernel(k))
		l, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho)
		if err != nil {
			t.Fatal(err)
		}
		d := dialOn(t, r, "tcp", l.Addr().String())
		// The Poller always reports Hup for an unconnected socket.
		k.wait = func(events []poller.Event, n int) int {
			if d.c.w.gen != 0 && n < len(events) {
				events[n] = poller.Event{FD: d.c.w.fd, Gen: d.c.w.gen, Ready: poller.Out | poller.Err | poller.Hup}
				n++
			}
			return n
		}
		for range 10 {
			r.Turn(0)
		}
		if d.opened+len(d.closed) > 0 {
			t.Fatalf("opened %d, closed %v before there is a connection", d.opened, d.closed)
		}
		t.k.Connect(d.c.FD(), to)
		turnUntil(t, r, func() bool { return d.opened+len(d.closed) > 0 })
		if d.opened != 1 {
			t.Errorf("closed %v", d.closed)
		}
	})
}
