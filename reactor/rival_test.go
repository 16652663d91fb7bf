//go:build unix

package reactor

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// A raceWorld has a client, a server that answers, and a server that the client cannot reach.
type raceWorld struct {
	*sim.World
	client, good, silent *sim.Host
}

func newRaceWorld(t *testing.T) *raceWorld {
	w := &raceWorld{World: sim.New(1, sim.Options{})}
	w.client = w.Host("10.0.0.1", "fd00::1")
	w.good = w.Host("10.0.0.2", "fd00::2")
	w.silent = w.Host("10.0.0.3", "fd00::3", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5",
		"10.0.1.6", "10.0.1.7", "10.0.1.8", "10.0.1.9")
	for _, h := range []*sim.Host{w.good, w.silent} {
		h.Boot("server", func() {
			r, err := New(WithKernel(h))
			if err == nil {
				_, err = r.Listen("tcp", ":7", acceptEcho)
			}
			if err != nil {
				t.Error(err)
				return
			}
			r.After(time.Hour, func() { r.Close() })
			_ = r.Run(context.Background())
		})
	}
	w.Cut(w.client, w.silent)
	return w
}

// dial dials a name that has these addresses. It returns the callbacks of the dial, and when the
// first of them was called. If `after` is not 0, `end` is called on the Conn after that time.
func (w *raceWorld) dial(t *testing.T, addrs []string, after time.Duration, end func(*Conn), opts ...DialOption) (d *dialled, took time.Duration) {
	t.Helper()
	w.Name("host", addrs...)
	took = -1
	w.client.Boot("client", func() {
		r, err := New(WithKernel(w.client))
		if err != nil {
			t.Error(err)
			return
		}
		began := r.Now()
		d = &dialled{}
		h := d.handler().(*hooks)
		opened, closed := h.opened, h.closed
		note := func() {
			if took < 0 {
				took = time.Duration(r.Now() - began)
			}
		}
		h.opened = func(c *Conn) { note(); opened(c) }
		h.closed = func(c *Conn, err error) { note(); closed(c, err) }
		if d.c, err = r.Dial("tcp", "host:7", h, opts...); err != nil {
			t.Error(err)
		}
		if after > 0 {
			r.After(after, func() { end(d.c) })
		}
		r.After(time.Minute, func() {
			if d.opened > 0 {
				d.c.Abort()
			}
			r.Close()
		})
		_ = r.Run(context.Background())
	})
	if err := w.RunUntilDone(2 * time.Hour); err != nil {
		t.Error(err)
	}
	if left := w.Leaks(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	return d, took
}

// Each silent address delays the dial by the fallback delay, whatever its family and its place in
// the list. An address that refuses does not delay it. With a negative delay, a silent address
// takes its part of the time limit.
func TestASilentAddressCostsTheFallbackDelay(t *testing.T) {
	const delay, rtt = netaddr.FallbackDelay, 100 * time.Millisecond
	for _, row := range []struct {
		addrs []string
		opts  []DialOption
		want  time.Duration
	}{
		{[]string{"10.0.0.2"}, nil, 0},
		{[]string{"10.0.0.3", "10.0.0.2"}, nil, delay},
		{[]string{"fd00::3", "10.0.0.2"}, nil, delay},
		{[]string{"fd00::3", "fd00::3", "10.0.0.2"}, nil, delay}, // the families alternate
		{[]string{"10.0.0.2", "10.0.0.3"}, nil, 0},
		{[]string{"10.0.0.1", "10.0.0.2"}, nil, 0}, // 10.0.0.1 is the client itself, which refuses
		{[]string{"10.0.0.3", "10.0.0.1", "10.0.0.2"}, nil, delay},
		{[]string{"10.0.0.3", "10.0.0.2"}, []DialOption{WithFallbackDelay(time.Second)}, time.Second},
		{[]string{"10.0.0.3", "10.0.0.2"}, []DialOption{WithFallbackDelay(-1)}, 15 * time.Second},
		{[]string{"10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5", "10.0.1.6", "10.0.1.7", "10.0.1.8",
			"10.0.1.9", "10.0.0.2"}, nil, 9 * delay},
	} {
		t.Run(fmt.Sprint(row.addrs, len(row.opts), row.want), func(t *testing.T) {
			w := newRaceWorld(t)
			defer w.Close()
			d, took := w.dial(t, row.addrs, 0, nil, row.opts...)
			if d.opened != 1 || took < row.want || took > row.want+rtt {
				t.Errorf("opened %d times after %v, want %v; closed %v", d.opened, took, row.want, d.closed)
			}
		})
	}
}

// The first address may still connect after others were tried. If all addresses are silent, the
// dial ends at its time limit. Abort ends a dial at any time. Nothing of the other addresses is
// left.
func TestARaceEndsOnce(t *testing.T) {
	all := []string{"10.0.0.3", "fd00::3", "10.0.1.1", "10.0.1.2"}
	t.Run("the first one wins late", func(t *testing.T) {
		w := newRaceWorld(t)
		defer w.Close()
		w.At(400*time.Millisecond, func() { w.Heal() })
		d, took := w.dial(t, all, 0, nil)
		if d.opened != 1 || took < 400*time.Millisecond || took > 3*time.Second {
			t.Errorf("opened %d times after %v; closed %v", d.opened, took, d.closed)
		}
	})
	t.Run("the first one is the only one that answers", func(t *testing.T) {
		w := newRaceWorld(t)
		defer w.Close()
		hole := w.Host("10.0.2.1")
		w.Cut(w.client, hole)
		w.At(400*time.Millisecond, func() { w.Heal(); w.Cut(w.client, hole) })
		if d, took := w.dial(t, []string{"10.0.0.3", "10.0.2.1"}, 0, nil); d.opened != 1 || took > 3*time.Second {
			t.Errorf("opened %d times after %v; closed %v", d.opened, took, d.closed)
		}
	})
	t.Run("all are silent", func(t *testing.T) {
		w := newRaceWorld(t)
		defer w.Close()
		d, took := w.dial(t, all, 0, nil, WithDialTimeout(5*time.Second))
		if len(d.closed) != 1 || !errors.Is(d.closed[0], kernel.ETIMEDOUT) || took < 5*time.Second || took > 5100*time.Millisecond {
			t.Errorf("closed %v after %v", d.closed, took)
		}
	})
	for _, after := range []time.Duration{100, 300, 350, 650, 5000} {
		t.Run(fmt.Sprint("aborted after ", after), func(t *testing.T) {
			w := newRaceWorld(t)
			defer w.Close()
			d, took := w.dial(t, all, after*time.Millisecond, func(c *Conn) { c.Abort() })
			if len(d.closed) != 1 || d.closed[0] != ErrAborted || timeout.Timeout(took) < timeout.Timeout(after*time.Millisecond) {
				t.Errorf("closed %v after %v", d.closed, took)
			}
		})
	}
}

// The peer sees the address and the port of WithLocalAddr. Addresses of the other family are not
// tried.
func TestWithLocalAddr(t *testing.T) {
	for _, row := range []struct{ local, peer string }{{"10.0.0.1:1234", "10.0.0.1:1234"}, {"[fd00::1]:0", "[fd00::1]:"}, {"0.0.0.0:99", ":99"}, {":98", ":98"}} {
		w := newRaceWorld(t)
		var at string
		d, _ := w.dial(t, []string{"10.0.0.2", "fd00::2"}, time.Second, func(c *Conn) { at = c.LocalAddr().String() }, WithLocalAddr(row.local))
		if d.opened != 1 || len(at) < len(row.peer) || at[:len(row.peer)] != row.peer && at[len(at)-len(row.peer):] != row.peer {
			t.Errorf("%s: opened %d, at %q; closed %v", row.local, d.opened, at, d.closed)
		}
		w.Close()
	}
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Shutdown(context.Background())
	for _, bad := range []string{"localhost:0", "1.2.3.4", "1.2.3.4:99999"} {
		if _, err := r.Dial("tcp", "127.0.0.1:1", &hooks{}, WithLocalAddr(bad)); err == nil {
			t.Errorf("WithLocalAddr(%q) is no error", bad)
		} else {
			t.Log(err)
		}
	}
	if _, err := r.Dial("tcp", "[::1]:1", &hooks{}, WithLocalAddr("127.0.0.1:0")); err == nil {
		t.Error("an address of another family is no error")
	}
}
