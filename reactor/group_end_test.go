//go:build unix

package reactor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// When Shutdown begins, clients of all loops wait for megabytes. Clients that read get everything.
// Shutdown and Run report the bytes that the other clients have not received, as one sum.
func TestGroupShutdownSumsUp(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	t.Parallel() // the test mostly sleeps
	g, err := NewGroup(3)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error)
	go func() { ran <- g.Run(context.Background()) }()
	const size = 3 << 20
	l := groupListen(t, g, "tcp", always(&hooks{opened: func(c *Conn) { c.Send(pattern(size)) }}), WithBalance(RoundRobin))
	var stuck, reading []net.Conn
	for i := range 6 {
		c := connect(t, l.Addr())
		c.(*net.TCPConn).SetReadBuffer(64 << 10)
		if i < 3 {
			stuck = append(stuck, c)
		} else {
			reading = append(reading, c)
		}
	}
	conns(t, g, 6)
	var readers sync.WaitGroup
	for _, c := range reading {
		readers.Go(func() {
			if n, err := io.Copy(io.Discard, c); n != size || err != nil {
				t.Errorf("a client that reads got %d bytes, %v", n, err)
			}
			c.Close()
		})
	}
	for g.Stats().Conns > 0 && g.Stats().BytesOut < 3*size {
		time.Sleep(time.Millisecond)
	}
	// The context ends after the Conns of the clients that read are closed. On a slow machine that may
	// take long. A second later, the other clients have acknowledged what has arrived.
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		readers.Wait()
		for g.Stats().Conns > len(stuck) {
			time.Sleep(time.Millisecond)
		}
		time.AfterFunc(time.Second, cancel)
	}()
	err = g.Shutdown(ctx)
	readers.Wait()
	var lost *UndeliveredError
	if !errors.As(err, &lost) || lost.Conns != 3 {
		t.Fatalf("Shutdown: %v, want an UndeliveredError of 3 connections", err)
	}
	if e := (*UndeliveredError)(nil); !errors.As(<-ran, &e) || *e != *lost {
		t.Errorf("Run: %v, want %v", e, lost)
	}
	got := int64(0)
	for _, c := range stuck {
		n, _ := io.Copy(io.Discard, c)
		got += n
	}
	if got+lost.Bytes != 3*size {
		t.Errorf("%v; %d bytes arrived, %d were sent", lost, got, 3*size)
	}
}

// sabotage is a Poller that fails or panics when the test says so.
type sabotage struct {
	poller.Poller
	on    atomic.Bool
	panic bool
}

func (s *sabotage) Wait(events []poller.Event, until timeout.Deadline) (int, error) {
	n, err := s.Poller.Wait(events, until)
	if s.on.Load() && s.panic {
		panic("the loop itself")
	} else if s.on.Load() {
		return 0, kernel.EINVAL
	}
	return n, err
}

// One of three loops fails, because its poller returns an error or because of a panic outside of
// all guards. Its connections end. The other loops keep their connections and serve new ones, with
// every Balance. The log and the result of Run have the number of the failed loop.
func TestFailedLoopIsAlone(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	for _, kind := range []string{"error", "panic"} {
		for _, b := range []Balance{ByAddress, RoundRobin} {
			if b == ByAddress && kernel.SO_BALANCE == 0 {
				continue
			}
			t.Run(fmt.Sprint(kind, b), func(t *testing.T) {
				core, logs := observer.New(zapcore.ErrorLevel)
				var caught atomic.Int64
				g, err := NewGroup(3, WithLogger(zaplog.New(core)),
					WithPanicHandler(func(*Conn, any, []byte) { caught.Add(1) }))
				if err != nil {
					t.Fatal(err)
				}
				s := &sabotage{Poller: g.loops[1].poller, panic: kind == "panic"}
				g.loops[1].poller = s
				ran := make(chan error)
				l := groupListen(t, g, "tcp", acceptEcho, WithBalance(b))
				go func() { ran <- g.Run(context.Background()) }()
				var open []net.Conn
				for range 48 {
					c := connect(t, l.Addr())
					roundTrip(t, c, "before")
					open = append(open, c)
				}
				each := conns(t, g, 48)
				s.on.Store(true)
				for g.loops[1].mustPost(func() {}) { // the loop may still run posts in its last turn
					time.Sleep(time.Millisecond)
				}
				conns(t, g, each[0]+each[2])
				lost := 0
				for _, c := range open {
					io.WriteString(c, "after")
					if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
						lost++
					}
				}
				if lost != each[1] {
					t.Errorf("%d connections lost, loop 1 had %d", lost, each[1])
				}
				for range 30 {
					roundTrip(t, connect(t, l.Addr()), "new")
				}
				if n := logs.FilterMessage("the loop has failed").FilterField(zaplog.Int("loop", 1)).Len(); n != 1 {
					t.Errorf("%d lines name the loop: %v", n, logs.All())
				}
				if err := g.Shutdown(context.Background()); err == nil || !strings.Contains(err.Error(), "loop 1: ") {
					t.Errorf("Shutdown: %v", err)
				}
				if err := <-ran; err == nil || (caught.Load() == 1) != (kind == "panic") {
					t.Errorf("Run: %v, %d panics told", err, caught.Load())
				}
			})
		}
	}
}

// A handler that blocks stops only its own loop. The log has the handler, the loop, and the peer of
// the connection.
func TestStalledLoopIsNamed(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	g := group(t, 2, WithSlowCallback(20*time.Millisecond), WithLogger(zaplog.New(core)))
	block := make(chan struct{})
	l := groupListen(t, g, "tcp", always(&hooks{data: func(c *Conn, p []byte) {
		if string(p) == "block" {
			<-block
		}
		c.Send(p)
	}}), WithBalance(RoundRobin)) // the first connection is on loop 0, the second one on loop 1
	a, b := connect(t, l.Addr()), connect(t, l.Addr())
	roundTrip(t, a, "a")
	roundTrip(t, b, "b")
	io.WriteString(b, "block")
	// On a busy machine other callbacks are slow too.
	said := func() bool {
		return slices.ContainsFunc(logs.FilterMessage("a callback blocks the loop").All(), func(line observer.LoggedEntry) bool {
			m := line.ContextMap()
			return m["loop"] == int64(1) && m["peer"] == b.LocalAddr().String()
		})
	}
	for until := time.Now().Add(guard); !said(); roundTrip(t, a, "still served") {
		if time.Now().After(until) {
			t.Fatalf("nothing about loop 1 and %v: %v", b.LocalAddr(), logs.All())
		}
	}
	close(block)
	wantRead(t, b, "block")
}

// Clients connect while the Group drains. Every connection that was accepted is closed in order,
// even if it was passed to another loop. Nothing leaks.
func TestDrainWhileHandingOver(t *testing.T) {
	for range longtest.Count(2, 10, 10) {
		k := hostWithFaults()
		g := group(t, 4, WithKernel(k))
		l := groupListen(t, g, "tcp", acceptEcho, WithBalance(RoundRobin))
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for i := range 200 {
					c, err := net.Dial("tcp", l.Addr().String())
					if err != nil {
						return
					}
					if i%2 == 0 { // this connection stays open until the server closes it
						clients.Go(func() { io.Copy(io.Discard, c); c.Close() })
						continue
					}
					io.WriteString(c, "hello")
					c.Read(make([]byte, 5))
					c.Close()
				}
			})
		}
		for g.Stats().Accepted < 20 {
			time.Sleep(100 * time.Microsecond)
		}
		if err := g.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		clients.Wait()
		if n := k.opened.Load(); n != 0 {
			t.Fatalf("%d descriptors left", n)
		}
	}
}
