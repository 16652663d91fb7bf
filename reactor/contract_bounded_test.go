//go:build unix

package reactor

import (
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// rawPeer is a connected non-blocking descriptor outside of Go's poller, so that "the write would block" is an answer.
func rawPeer(t testing.TB, addr net.Addr) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	ap := addr.(*net.TCPAddr).AddrPort()
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return fd
}

// stuff sends on the peers until none of them takes more and the loop has come to rest, 512 MiB each at most.
func stuff(t testing.TB, r *Reactor, peers ...int) (sent int) {
	t.Helper()
	p := make([]byte, 1<<20)
	for {
		before := sent
		for _, fd := range peers {
			n := 0
			for n < 512<<20 {
				k, e := kernel.Host.Send(fd, p, 0)
				if e == kernel.EAGAIN {
					break
				}
				if e != 0 {
					t.Fatal(e)
				}
				n += k
			}
			sent += n
		}
		if sent >= 512<<20*len(peers) {
			return sent
		}
		still(t, r, 50*time.Millisecond)
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

// Contract 2. Peers send to an echo server up to 512 MiB each, until their writes block, and never read. The server
// buffers at most the high-water mark and one read for each, its heap grows by no more than that, the loop makes no turn
// while they are stuck, and others are served. Then one of them reads, and gets an echo again.
func TestNeverReadingPeersCostTheHighWaterMark(t *testing.T) {
	for _, many := range []int{1, 50} {
		r := started(t)
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
		addr := listen(t, r, "tcp", always(h))
		before := heap()
		var peers []int
		for range many {
			peers = append(peers, rawPeer(t, addr))
		}
		sent := stuff(t, r, peers...)
		most := 0
		on(t, r, func() {
			for c := range conns {
				most = max(most, c.Buffered())
			}
		})
		limit := 256<<10 + readSize
		if most > limit {
			t.Errorf("%d peers: a Conn buffers %d bytes, want at most %d", many, most, limit)
		}
		if grown := int64(heap()) - int64(before); grown > int64(many*(limit+2*chunkSize)+2<<20) {
			t.Errorf("%d peers: the heap has grown by %d KiB", many, grown>>10)
		}
		turns := r.Stats().Turns
		time.Sleep(300 * time.Millisecond)
		if turns = r.Stats().Turns - turns; turns > 3 {
			t.Errorf("%d peers: %d turns while they are stuck, want none", many, turns)
		}
		roundTrip(t, connect(t, addr), "somebody else")

		// not dead, only stuck: what one peer reads is an echo of what it has sent
		buf := make([]byte, 1<<20)
		for got := 0; got < sent/many/2; {
			n, e := kernel.Host.Recv(peers[0], buf, 0)
			if e == kernel.EAGAIN {
				runtime.Gosched()
				continue
			}
			if e != 0 || n == 0 {
				t.Fatalf("after %d bytes: %d, %v", got, n, e)
			}
			got += n
		}
	}
}

// Past the cap Send is ErrBuffered (ENOBUFS) and queues nothing; what it refused never arrives. At the low-water mark
// Drained comes, once for each time that the output was above the high one.
func TestSendPastTheCapQueuesNothing(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	defer unix.Close(b)
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
	if c.wants()&poller.In != 0 || !c.is(pressed) {
		t.Error("above the high-water mark and still reading")
	}
	got := 0
	buf := make([]byte, 1000)
	for got < accepted {
		n, _ := kernel.Host.Recv(b, buf, 0)
		got += n
		r.Turn(0)
	}
	if n, _ := kernel.Host.Recv(b, buf, 0); n != 0 || drained != 1 || c.Buffered() != 0 || c.is(pressed) {
		t.Errorf("%d bytes too many, Drained %d times, %d buffered", n, drained, c.Buffered())
	}
}

// Pause stops reading, Resume starts it again; writing is independent of both.
func TestPauseStopsReadingOnly(t *testing.T) {
	r := started(t)
	var got atomic.Int64
	opened := make(chan *Conn, 1)
	c := connect(t, listen(t, r, "tcp", always(&hooks{
		opened: func(c *Conn) { c.Pause(); opened <- c },
		data:   func(c *Conn, p []byte) { got.Add(int64(len(p))); c.Send(p) },
	})))
	conn := <-opened
	c.Write([]byte("unheard"))
	still(t, r, 20*time.Millisecond)
	on(t, r, func() { conn.Send([]byte("written")) })
	wantRead(t, c, "written")
	if got.Load() != 0 {
		t.Error("a paused Conn was read")
	}
	on(t, r, func() { conn.Resume() })
	wantRead(t, c, "unheard")
}

// Contract 2: at rest means no turn at all. A paused Conn whose peer resets, a half-closed one whose peer resets, one
// that has closed its output and whose peer's bytes nobody reads: none of them wakes the loop.
func TestConnsThatWantNothingDoNotSpin(t *testing.T) {
	cases := map[string]struct {
		h    func(ready chan<- *Conn) Handler
		peer func(net.Conn)
	}{
		"paused, reset": {
			func(ready chan<- *Conn) Handler {
				return &hooks{opened: func(c *Conn) { c.Pause(); ready <- c }}
			},
			resetConn,
		},
		"half-closed, reset": {
			func(ready chan<- *Conn) Handler { return &eofHooks{eof: func(c *Conn) { ready <- c }} },
			func(c net.Conn) { resetConn(c) },
		},
		"CloseWrite, unread data": {
			func(ready chan<- *Conn) Handler {
				return &hooks{opened: func(c *Conn) { c.Pause(); c.CloseWrite(); ready <- c }}
			},
			func(c net.Conn) { c.Write(make([]byte, 100)); c.(closeWriter).CloseWrite() },
		},
		"CloseWrite, paused, reset": {
			func(ready chan<- *Conn) Handler {
				return &hooks{opened: func(c *Conn) { c.CloseWrite(); c.Pause(); ready <- c }}
			},
			resetConn,
		},
	}
	for name, row := range cases {
		t.Run(name, func(t *testing.T) {
			r := started(t)
			ready := make(chan *Conn, 1)
			c := connect(t, listen(t, r, "tcp", always(row.h(ready))))
			if name == "half-closed, reset" {
				c.(closeWriter).CloseWrite()
			}
			conn := <-ready
			row.peer(c)
			still(t, r, 200*time.Millisecond)
			on(t, r, func() {
				if conn.is(over) {
					t.Error("the Conn has ended: it should have heard nothing")
				}
			})
		})
	}
}

func checkBuffered(t testing.TB, err error) {
	t.Helper()
	if !isBuffered(err) {
		t.Fatalf("got %v, want ErrBuffered and ENOBUFS", err)
	}
}
