//go:build unix

package reactor

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// drainPeer sends 8 MiB and, once told to, reads slowly and wants the echo of everything that the server had read.
type drainPeer struct {
	net.Conn
	got int
	err error
}

// Contract 6. Four peers have sent up to 8 MiB each, which the echo server has read in part when Shutdown begins. They
// read in small pieces. Each gets the echo of exactly the bytes that had been read, then EOF, no reset, and Shutdown
// reports nothing undelivered.
func TestShutdownDeliversEveryReply(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			r := started(t)
			read := map[string]int{} // by the peer's number, the first byte that it sends
			addr := listen(t, r, network, func(*Conn) Handler {
				who := ""
				return &hooks{data: func(c *Conn, p []byte) {
					if who == "" {
						who = string(p[:1])
					}
					read[who] += len(p)
					c.Send(p)
				}}
			})
			sent := pattern(mib8)
			var peers []*drainPeer
			var writers, readers sync.WaitGroup
			for i := range 4 {
				p := &drainPeer{Conn: connect(t, addr)}
				peers = append(peers, p)
				writers.Go(func() {
					p.Write([]byte{byte('0' + i)})
					p.Write(sent) // ends when the server has discarded the rest
				})
			}
			still(t, r, 50*time.Millisecond) // all four are stuck: nobody reads
			result := make(chan error)
			go func() { result <- r.Shutdown(context.Background()) }()
			for i, p := range peers {
				readers.Go(func() {
					want := append([]byte{byte('0' + i)}, sent...)
					buf := make([]byte, 40_000)
					for p.err == nil {
						var n int
						n, p.err = p.Read(buf)
						if string(buf[:n]) != string(want[p.got:p.got+n]) {
							t.Errorf("peer %d: wrong bytes at %d", i, p.got)
						}
						p.got += n
					}
					if p.err == io.EOF {
						p.Close()
					}
				})
			}
			readers.Wait()
			writers.Wait()
			if err := <-result; err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			for i, p := range peers {
				if had := read[string(rune('0'+i))]; p.got != had || p.err != io.EOF || had == 0 {
					t.Errorf("peer %d: %d bytes and %v, want %d and EOF", i, p.got, p.err, had)
				}
			}
		})
	}
}

// Contract 6: a deadline ends the drain of peers that never read; what Shutdown and Run report is exactly what the
// peers' kernels have not got.
func TestShutdownReportsExactlyWhatItCouldNotDeliver(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error)
	go func() { ran <- r.Run(context.Background()) }()
	const many, size = 3, 3 << 20
	opened := make(chan struct{}, many)
	addr := listen(t, r, "tcp", always(&hooks{opened: func(c *Conn) {
		c.Send(pattern(size))
		opened <- struct{}{}
	}}))
	idle := connect(t, addr)
	<-opened
	go io.Copy(io.Discard, idle) // takes everything: not in the report
	var peers []net.Conn
	for range many {
		p := connect(t, addr)
		p.(*net.TCPConn).SetReadBuffer(64 << 10)
		peers = append(peers, p)
		<-opened
	}
	still(t, r, 50*time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	err = r.Shutdown(ctx)
	var un *UndeliveredError
	if !errors.As(err, &un) {
		t.Fatalf("Shutdown: %v, want an UndeliveredError", err)
	}
	if e := <-ran; e != err {
		t.Errorf("Run: %v, want what Shutdown reports", e)
	}
	got := 0
	for _, p := range peers {
		n, _ := io.Copy(io.Discard, p) // what had arrived before the reset
		got += int(n)
	}
	if un.Conns != many || got+int(un.Bytes) != many*size {
		t.Errorf("%v; %d bytes arrived on %d connections, %d were sent", un, got, many, many*size)
	}
}

// A drain whose peer is gone while output waits reports that output as undelivered.
func TestShutdownReportsOutputLostToAReset(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			r := started(t)
			sending := make(chan *Conn, 1)
			p := connect(t, listen(t, r, network, always(&hooks{opened: func(c *Conn) {
				c.Send(pattern(7 << 20))
				sending <- c
			}}), WithLimits(0, 1<<20, 8<<20)))
			c := <-sending
			still(t, r, 50*time.Millisecond)
			result := make(chan error)
			waiting := 0
			on(t, r, func() { waiting = c.Buffered() })
			go func() { result <- r.Shutdown(context.Background()) }()
			for !isDraining(r) {
			}
			if network == "tcp" {
				resetConn(p)
			} else {
				p.Close()
			}
			err := <-result
			var un *UndeliveredError
			if waiting == 0 || !errors.As(err, &un) || un.Conns != 1 || un.Bytes < int64(waiting) {
				t.Errorf("Shutdown: %v, want at least the %d bytes that waited", err, waiting)
			}
		})
	}
}

func isDraining(r *Reactor) bool {
	ch := make(chan bool, 1)
	if r.Post(func() { ch <- r.draining }) != nil {
		return true
	}
	return <-ch
}

// A drain with a longer deadline than WithLinger is patient, and asleep: a peer that takes nothing costs no turns
// beyond the looks at its progress.
func TestPatientDrainDoesNotSpin(t *testing.T) {
	r := started(t)
	sending := make(chan struct{}, 1)
	p := connect(t, listen(t, r, "tcp", always(&hooks{opened: func(c *Conn) {
		c.Send(pattern(4 << 20))
		sending <- struct{}{}
	}}), WithLimits(0, 1<<20, 8<<20), WithLinger(time.Millisecond)))
	p.(*net.TCPConn).SetReadBuffer(64 << 10)
	<-sending
	still(t, r, 20*time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	before := r.Stats().Turns
	err := r.Shutdown(ctx)
	var un *UndeliveredError
	if turns := r.Stats().Turns - before; !errors.As(err, &un) || turns > 30 {
		t.Errorf("%v after %d turns in 500 ms", err, turns)
	}
}

// Contract 6: 1,000 idle clients that do not hang up by themselves are closed well before the deadline.
func TestShutdownWithIdleClientsNeedsNoDeadline(t *testing.T) {
	r := started(t)
	addr := listen(t, r, "tcp", acceptEcho)
	many := 1000
	if testing.Short() {
		many = 100
	}
	for range many {
		connect(t, addr)
	}
	roundTrip(t, connect(t, addr), "the last of the queue")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil || ctx.Err() != nil {
		t.Errorf("Shutdown: %v, %v", err, ctx.Err())
	}
}

// Datagrams that wait when the deadline ends are reported by their own bytes.
func TestShutdownReportsQueuedDatagrams(t *testing.T) {
	k := hostWithFaults()
	k.sendBatch = func(_, n int) (int, kernel.Errno, bool) { return 0, kernel.EAGAIN, true }
	r := manual(t, WithKernel(k))
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
}
