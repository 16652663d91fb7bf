//go:build unix

package reactor

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
)

// group makes a Group. It runs the Group until the test ends.
func group(t testing.TB, n int, opts ...Option) *Group {
	t.Helper()
	g, err := NewGroup(n, opts...)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		g.Run(context.Background())
		close(done)
	}()
	for _, r := range g.loops {
		for r.owner.Load() == ownerless {
			time.Sleep(time.Millisecond)
		}
	}
	t.Cleanup(func() {
		g.Shutdown(ended())
		<-done
	})
	return g
}

// groupListen makes a GroupListener.
func groupListen(t testing.TB, g *Group, network string, accept func(*Conn) Handler, opts ...ListenOption) *GroupListener {
	t.Helper()
	l, err := g.Listen(network, anyAddr(t, network), accept, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// conns waits until n connections are open. It returns how many each loop has.
func conns(t testing.TB, g *Group, n int) (each []int) {
	t.Helper()
	for range 2000 {
		each = each[:0]
		sum := 0
		for _, r := range g.loops {
			c := r.Stats().Conns
			each, sum = append(each, c), sum+c
		}
		if sum == n {
			return each
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%v connections, want %d together", each, n)
	return nil
}

var balances = []Balance{0, ByAddress, RoundRobin, LeastConns}

// With every Balance and network, every connection is echoed, and every loop gets some. All
// callbacks of a connection run on the goroutine of the loop that its Conn names. Counters without
// a lock show that under -race. At the end every Conn gets Closed, and no descriptor is left.
func TestGroupServesOnEveryLoop(t *testing.T) {
	if !longtest.Default(t, "several loops at work") {
		return
	}
	t.Parallel()
	for _, network := range []string{"tcp", "tcp6", "unix"} {
		for _, b := range balances {
			if b == ByAddress && (network == "unix" || kernel.SO_BALANCE == 0) {
				continue
			}
			t.Run(fmt.Sprint(network, b), func(t *testing.T) {
				const loops, many = 4, 64
				k := hostWithFaults()
				g := group(t, loops, WithKernel(k))
				var calls [loops]int // by loop, without a lock
				var closed atomic.Int64
				var opts []ListenOption
				if b != 0 {
					opts = append(opts, WithBalance(b))
				}
				l := groupListen(t, g, network, func(c *Conn) Handler {
					home := c.Reactor()
					check := func(c *Conn) {
						calls[home.Loop()]++
						if c.Reactor() != home {
							t.Error("the Conn has moved")
						}
					}
					check(c)
					return &hooks{
						data:   func(c *Conn, p []byte) { check(c); c.Send(p) },
						closed: func(c *Conn, _ error) { check(c); closed.Add(1) },
					}
				}, opts...)
				var clients []net.Conn
				for i := range many {
					c := connect(t, l.Addr())
					roundTrip(t, c, fmt.Sprint("client ", i))
					clients = append(clients, c)
				}
				each := conns(t, g, many)
				for _, n := range each {
					exact := network == "unix" || b > ByAddress
					if n == 0 || exact && n != many/loops {
						t.Errorf("connections by loop: %v", each)
					}
				}
				for _, c := range clients[:many/2] {
					c.Close()
				}
				if err := g.Shutdown(context.Background()); err != nil || closed.Load() != many {
					t.Errorf("Shutdown: %v; %d Conns closed, want %d", err, closed.Load(), many)
				}
				if n := k.opened.Load(); n != 0 {
					t.Errorf("%d descriptors left", n)
				}
				for i, n := range calls {
					if n < 2*each[i] {
						t.Errorf("loop %d: %d calls for %d connections", i, n, each[i])
					}
				}
			})
		}
	}
}
