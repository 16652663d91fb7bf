//go:build unix

package reactor

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
)

// stuff sends on the peers until none of them accepts more and the loop is idle. It sends at most
// 512 MiB on each.
func stuff(t *lab, peers ...*peer) (sent int) {
	t.Helper()
	p := make([]byte, 1<<20)
	for {
		before := sent
		for _, c := range peers {
			for n, k := 0, 1; k > 0 && n < 512<<20; n += k {
				k = c.try(p)
				sent += k
			}
		}
		if sent/len(peers) >= 512<<20 { // the product must fit in 32 bits
			return sent
		}
		t.still(50 * time.Millisecond)
		if sent == before {
			return sent
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Contract 2. Peers of an echo server send up to 512 MiB each, until their sends block, and never
// read. For each peer the server buffers at most the high-water mark and one read, and its heap
// grows by no more. While the peers wait, the loop makes no turn and serves others. Then one peer
// reads, and gets its echo.
func TestNeverReadingPeersCostTheHighWaterMark(t *testing.T) {
	twice(t, func(t *lab) {
		for _, many := range []int{1, longtest.Count(5, 10, 50)} {
			t.Run(fmt.Sprint(many), func(t *lab) { neverReading(t, many) })
		}
	})
}

func neverReading(t *lab, many int) {
	r := t.reactor()
	conns := map[*Conn]bool{}
	h := &hooks{
		opened: func(c *Conn) { conns[c] = true },
		data: func(c *Conn, p []byte) {
			if err := c.Send(p); isBuffered(err) {
				t.Error(err)
			}
		},
		closed: func(c *Conn, _ error) { delete(conns, c) },
	}
	addr := t.listen("tcp", always(h))
	before := heap()
	var peers []*peer
	for range many {
		peers = append(peers, t.dial(addr))
	}
	sent := stuff(t, peers...)
	most := 0
	for c := range conns {
		most = max(most, c.Buffered())
	}
	limit := 256<<10 + readSize
	if most > limit {
		t.Errorf("a Conn buffers %d bytes, want at most %d", most, limit)
	}
	grown := int64(heap()) - int64(before) // including the buffers of a simulated kernel
	if grown > int64(many*(limit+2*chunkSize)+2<<20) && !t.simulated() {
		t.Errorf("the heap has grown by %d KiB", grown>>10)
	}
	turns := r.Stats().Turns
	t.pass(300 * time.Millisecond)
	if turns = r.Stats().Turns - turns; turns > 3 {
		t.Errorf("%d turns while they are stuck, want none", turns)
	}
	t.dial(addr).roundTrip("somebody else")

	// The connections of these peers are still open: when one peer reads now, it gets its echo.
	buf := make([]byte, 1<<20)
	for got := 0; got < sent/many/2; {
		n, e := peers[0].recv(buf)
		if e != 0 || n == 0 {
			t.Fatalf("after %d bytes: %d, %v", got, n, e)
		}
		got += n
	}
}

// Above the limit Send returns ErrBuffered (ENOBUFS) and queues nothing, so the bytes of that Send
// never arrive. Drained is called when the output is at the low-water mark, once for each time that
// it was above the high-water mark.
func TestSendPastTheCapQueuesNothing(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		a, b := t.pair()
		const low, high, limit = 10_000, 50_000, 100_000
		drained := 0
		c := adoptFD(t, r, a, &hooks{drained: func(c *Conn) {
			drained++
			if c.Buffered() > low {
				t.Errorf("Drained with %d buffered", c.Buffered())
			}
		}}, WithLimits(low, high, limit))
		if err := c.Send(make([]byte, limit+1)); err == nil {
			t.Fatal("a Send larger than the cap was accepted")
		}
		accepted := 0
		for range 1000 {
			before := c.Buffered()
			err := c.Send(make([]byte, 7000))
			if err != nil {
				checkBuffered(t, err)
				if c.Buffered() != before || before+7000 <= limit {
					t.Fatalf("refused at %d buffered, now %d", before, c.Buffered())
				}
				if err := c.Send(make([]byte, limit-before)); err != nil {
					t.Errorf("exactly up to the cap: %v", err)
				}
				accepted += limit - before
				break
			}
			accepted += 7000
		}
		if c.wants()&poller.In != 0 || !c.is(throttled) {
			t.Error("above the high-water mark and still reading")
		}
		got := 0
		buf := make([]byte, 1000)
		for got < accepted {
			n, _ := b.look(buf)
			got += n
			r.Turn(0)
		}
		if n, _ := b.look(buf); n != 0 || drained != 1 || c.Buffered() != 0 || c.is(throttled) {
			t.Errorf("%d bytes too many, Drained %d times, %d buffered", n, drained, c.Buffered())
		}
	})
}

// Pause stops reading and Resume starts it. Neither affects writing.
func TestPauseStopsReadingOnly(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		t.reactor()
		got := 0
		var conn *Conn
		c := t.dial(t.listen("tcp", always(&hooks{
			opened: func(c *Conn) { c.Pause(); conn = c },
			data:   func(c *Conn, p []byte) { got += len(p); c.Send(p) },
		})))
		t.until(func() bool { return conn != nil })
		c.send("unheard")
		t.still(20 * time.Millisecond)
		t.r.Post(func() { conn.Send([]byte("written")) })
		c.wantRead("written")
		if got != 0 {
			t.Error("a paused Conn was read")
		}
		t.r.Post(func() { conn.Resume() })
		c.wantRead("unheard")
	})
}

// Contract 2. An idle loop makes no turn. Three kinds of Conn must not wake it: a paused one whose
// peer resets, a half-closed one whose peer resets, and one that has closed its output and does not
// read.
func TestConnsThatWantNothingDoNotSpin(t *testing.T) {
	cases := map[string]struct {
		h    func(ready func(*Conn)) Handler
		peer func(*peer)
	}{
		"paused, reset": {
			func(ready func(*Conn)) Handler { return &hooks{opened: func(c *Conn) { c.Pause(); ready(c) }} },
			(*peer).reset,
		},
		"half-closed, reset": {
			func(ready func(*Conn)) Handler { return &eofHooks{eof: ready} },
			(*peer).reset,
		},
		"CloseWrite, unread data": {
			func(ready func(*Conn)) Handler {
				return &hooks{opened: func(c *Conn) { c.Pause(); c.CloseWrite(); ready(c) }}
			},
			func(c *peer) { c.sendAndFIN(make([]byte, 100)) },
		},
		"CloseWrite, paused, reset": {
			func(ready func(*Conn)) Handler {
				return &hooks{opened: func(c *Conn) { c.CloseWrite(); c.Pause(); ready(c) }}
			},
			(*peer).reset,
		},
	}
	twiceAtOnce(t, func(t *lab) {
		for name, row := range cases {
			t.Run(name, func(t *lab) {
				var conn *Conn
				c := t.dial(t.listen("tcp", always(row.h(func(c *Conn) { conn = c }))))
				if name == "half-closed, reset" {
					c.closeWrite()
				}
				t.until(func() bool { return conn != nil })
				row.peer(c)
				t.still(200 * time.Millisecond)
				if conn.is(released) {
					t.Error("the Conn has ended: it should have heard nothing")
				}
			})
		}
	})
}

func checkBuffered(t testing.TB, err error) {
	t.Helper()
	if !isBuffered(err) {
		t.Fatalf("got %v, want ErrBuffered and ENOBUFS", err)
	}
}
