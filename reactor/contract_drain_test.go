//go:build unix

package reactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

// A drainPeer sends 8 MiB. When the test starts its reading, it reads slowly, and expects the echo
// of all bytes that the server has read.
type drainPeer struct {
	*peer
	want []byte
	got  int
	eof  bool
}

// Contract 6. When Shutdown begins, four peers of an echo server have sent up to 8 MiB each, and
// the server has read a part of that. The peers read in small pieces. Each gets the echo of exactly
// the bytes that the server has read, and then EOF without a reset. Shutdown reports nothing
// undelivered.
func TestShutdownDeliversEveryReply(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, network := range []string{"tcp", "unix"}[:longtest.Count(1, 2, 2)] {
			t.Run(network, func(t *lab) { deliverEveryReply(t, network) })
		}
	})
}

func deliverEveryReply(t *lab, network string) {
	read := map[string]int{} // by the number of the peer, which is its first byte
	addr := t.listen(network, func(*Conn) Handler {
		who := ""
		return &hooks{data: func(c *Conn, p []byte) {
			if who == "" {
				who = string(p[:1])
			}
			read[who] += len(p)
			c.Send(p)
		}}
	})
	sent := pattern(t.much())
	var peers []*drainPeer
	for i := range 4 {
		p := &drainPeer{peer: t.dial(addr), want: append([]byte{byte('0' + i)}, sent...)}
		peers = append(peers, p)
		p.write(p.want) // the server discards the bytes that it has not read yet
	}
	t.still(50 * time.Millisecond) // all four peers wait, because nobody reads
	wait := t.drain(guard)
	buf := make([]byte, 40_000)
	for left := len(peers); left > 0; {
		for i, p := range peers {
			if p.eof {
				continue
			}
			n, e := p.recv(buf)
			if !bytes.Equal(buf[:n], p.want[p.got:][:n]) {
				t.Fatalf("peer %d: wrong bytes at %d", i, p.got)
			}
			if p.got += n; n == 0 {
				if e != 0 {
					t.Fatalf("peer %d: %d bytes, then %v", i, p.got, e)
				}
				p.eof = true
				p.close()
				left--
			}
		}
	}
	if err := wait(); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for i, p := range peers {
		if had := read[fmt.Sprint(i)]; p.got != had || had == 0 {
			t.Errorf("peer %d: %d bytes, want %d", i, p.got, had)
		}
	}
}

// Contract 6. The deadline ends the drain of peers that never read. Shutdown reports exactly the
// bytes that the peers' kernels have not received.
func TestShutdownReportsExactlyWhatItCouldNotDeliver(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, size := range []int{3 << 20, 400 << 10}[longtest.Count(1, 0, 0):] {
			t.Run(fmt.Sprint(size), func(t *lab) { reportExactly(t, size) })
		}
	})
}

func reportExactly(t *lab, size int) {
	const many = 3
	opened := 0
	addr := t.listen("tcp", always(&hooks{opened: func(c *Conn) {
		c.Send(pattern(size))
		opened++
	}}))
	t.dial(addr).discard() // this peer reads everything, so it is not in the report
	t.until(func() bool { return opened == 1 })
	var peers []*peer
	for range many {
		p := t.dial(addr)
		p.setOpt(kernel.SOL_SOCKET, kernel.SO_RCVBUF, 64<<10)
		peers = append(peers, p)
	}
	t.until(func() bool { return opened == 1+many })
	t.still(50 * time.Millisecond)
	// A new child process has a copy of each descriptor until its exec. If another test starts one
	// now, the reset would come only then, and the kernel would send more bytes meanwhile.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	err := t.shutdown(300 * time.Millisecond)
	un := &UndeliveredError{}
	if err != nil && !errors.As(err, &un) {
		t.Fatalf("Shutdown: %v, want an UndeliveredError", err)
	}
	got, short := 0, 0
	for _, p := range peers {
		b, _ := p.readAll() // the bytes that arrived before the reset
		if got += len(b); len(b) < size {
			short++
		}
	}
	if un.Conns != short || got+int(un.Bytes) != many*size || size > 1<<20 && short != many {
		t.Errorf("%v; %d bytes arrived on %d connections, %d were sent", un, got, many, many*size)
	}
}

// Run returns the same error as Shutdown, including an *UndeliveredError.
func TestRunReturnsWhatShutdownReports(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error)
	go func() { ran <- r.Run(context.Background()) }()
	opened := make(chan struct{})
	connect(t, listen(t, r, "tcp", always(&hooks{opened: func(c *Conn) { close(opened); c.Send(make([]byte, 16<<20)) }}),
		WithLimits(0, 32<<20, 32<<20)))
	<-opened
	err = r.Shutdown(ended())
	var un *UndeliveredError
	if e := <-ran; !errors.As(err, &un) || e != err {
		t.Errorf("Shutdown: %v, Run: %v", err, e)
	}
}

// If the peer resets while output waits, the drain reports that output as undelivered.
func TestShutdownReportsOutputLostToAReset(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(network, func(t *lab) {
				var c *Conn
				sent := pattern(t.much())
				p := t.dial(t.listen(network, always(&hooks{opened: func(conn *Conn) {
					c = conn
					c.Send(sent)
				}}), WithLimits(0, 1<<20, 8<<20)))
				t.until(func() bool { return c != nil })
				t.still(50 * time.Millisecond)
				waiting := c.Buffered()
				wait := t.drain(guard)
				t.until(func() bool { return t.r.draining })
				if network == "tcp" {
					p.reset()
				} else {
					p.close()
				}
				err := wait()
				var un *UndeliveredError
				if waiting == 0 || !errors.As(err, &un) || un.Conns != 1 || un.Bytes < int64(waiting) {
					t.Errorf("Shutdown: %v, want at least the %d bytes that waited", err, waiting)
				}
			})
		}
	})
}

// If the deadline of a drain is later than that of WithLinger, the drain waits until then and
// sleeps. A peer that reads nothing causes only the turns that check its progress.
func TestPatientDrainDoesNotSpin(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		sending := false
		p := t.dial(t.listen("tcp", always(&hooks{opened: func(c *Conn) {
			c.Send(pattern(4 << 20))
			sending = true
		}}), WithLimits(0, 1<<20, 8<<20), WithLinger(time.Millisecond)))
		p.setOpt(kernel.SOL_SOCKET, kernel.SO_RCVBUF, 64<<10)
		t.until(func() bool { return sending })
		t.still(20 * time.Millisecond)
		r, began := t.r, t.now()
		before := r.Stats().Turns
		err := t.shutdown(500 * time.Millisecond)
		var un *UndeliveredError
		took := time.Duration(t.now() - began)
		if turns := r.Stats().Turns - before; !errors.As(err, &un) || turns > 30 || took < 500*time.Millisecond {
			t.Errorf("%v after %d turns in %v, want the whole 500 ms", err, turns, took)
		}
	})
}

// Contract 6. 1,000 idle clients do not close by themselves. The drain closes all of them long
// before its deadline.
func TestShutdownWithIdleClientsNeedsNoDeadline(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		addr := t.listen("tcp", acceptEcho)
		many := longtest.Count(100, 300, 1000)
		if t.os() != "linux" {
			many = 100 // SOMAXCONN is 128 on this system
		}
		for range many {
			t.dial(addr)
		}
		t.dial(addr).roundTrip("the last of the queue")
		began := t.now()
		if err := t.shutdown(time.Minute); err != nil || t.now()-began >= timeout.Deadline(time.Minute) {
			t.Errorf("Shutdown: %v after %v", err, time.Duration(t.now()-began))
		}
	})
}

// If datagrams still wait at the deadline, Shutdown reports their bytes.
func TestShutdownReportsQueuedDatagrams(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		k.sendBatch = func(_, n int) (int, kernel.Errno, bool) { return 0, kernel.EAGAIN, true }
		r := t.reactor(WithKernel(k))
		c, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{})
		if err != nil {
			t.Fatal(err)
		}
		to := kernel.Inet(c.LocalAddr().(*net.UDPAddr).AddrPort())
		for range 10 {
			if err := c.SendTo(make([]byte, 1000), to); err != nil {
				t.Fatal(err)
			}
		}
		r.abort.Store(true)
		for r.Turn(0) != ErrClosed {
		}
		if r.undelivered.Conns != 1 || r.undelivered.Bytes != 10*1000 {
			t.Errorf("%v, want 10000 bytes", &r.undelivered)
		}
	})
}
