//go:build linux || darwin || freebsd

package eviocompat

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// With a panic handler, each event panics, panics with nil, and calls Goexit. The handler gets the
// value and the connection. This connection ends, other connections are served, ticks continue, and
// Serve ends in order.
func TestEventsThatDoNotReturn(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	for how, unwind := range map[string]func(){"panic": func() { panic("boom") }, "panic(nil)": func() { panic(nil) }, "Goexit": runtime.Goexit} {
		for _, event := range []string{"Opened", "Data", "Data of Wake", "Closed", "Detached", "PreWrite", "Tick"} {
			t.Run(event+"/"+how, func(t *testing.T) { t.Parallel(); eventDoesNotReturn(t, event, unwind) })
		}
	}
}

func eventDoesNotReturn(t *testing.T, event string, unwind func()) {
	went := false // events come on one loop
	here := func(name string) {
		if name == event && !went {
			went = true
			unwind()
		}
	}
	told := make(chan bool, 10)
	ended := make(chan error, 10)
	ticks, ticked := 0, make(chan struct{})
	events := Events{
		Opened: func(c Conn) (out []byte, o Options, a Action) {
			here("Opened")
			if event == "Data of Wake" {
				c.Wake()
			}
			return
		},
		Data: func(c Conn, in []byte) ([]byte, Action) {
			if in == nil {
				here("Data of Wake")
				return nil, None
			}
			here("Data")
			switch {
			case event == "Detached" && !went:
				return nil, Detach
			case event == "Closed" && !went:
				return nil, Close
			}
			return in, None
		},
		Closed:   func(_ Conn, err error) Action { ended <- err; here("Closed"); return None },
		Detached: func(_ Conn, rwc io.ReadWriteCloser) Action { defer rwc.Close(); here("Detached"); return None },
		PreWrite: func() { here("PreWrite") },
		Tick: func() (time.Duration, Action) {
			switch ticks++; ticks {
			case 2:
				here("Tick")
			case 4:
				close(ticked)
			}
			return time.Millisecond, None
		},
	}
	ready, result := make(chan net.Addr, 1), make(chan error, 1)
	events.Serving = func(s Server) Action { ready <- s.Addrs[0]; return None }
	stop := make(chan struct{})
	tick := events.Tick
	events.Tick = func() (time.Duration, Action) {
		select {
		case <-stop:
			return 0, Shutdown
		default:
			return tick()
		}
	}
	handler := reactor.WithPanicHandler(func(c *reactor.Conn, _ any, _ []byte) { told <- c != nil })
	go func() { result <- ServeWith([]reactor.Option{handler}, events, "tcp://127.0.0.1:0") }()
	at := <-ready
	c, err := net.Dial(at.Network(), at.String())
	if err == nil { // otherwise the connection was reset at once
		defer c.Close()
		io.WriteString(c, "x")
	}
	if ofConn := <-told; ofConn != (event != "Tick") {
		t.Errorf("the panic handler was told of a connection: %v", ofConn)
	}
	if event != "Tick" && err == nil {
		io.Copy(io.Discard, c) // until the connection ends
		var p *reactor.PanicError
		if event != "Detached" {
			if err := <-ended; event != "Closed" && !errors.As(err, &p) {
				t.Errorf("Closed(%v)", err)
			}
		}
	}
	roundTrip(t, dial(t, at), "others are served")
	<-ticked
	close(stop)
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// If Serving panics, the panic reaches the caller of Serve, and the address is free again.
func TestServingPanics(t *testing.T) {
	var at net.Addr
	func() {
		defer func() {
			if v := recover(); v != "boom" {
				t.Errorf("recovered %v", v)
			}
		}()
		Serve(Events{Serving: func(s Server) Action { at = s.Addrs[0]; panic("boom") }}, "tcp://127.0.0.1:0")
	}()
	if c, err := net.Dial("tcp", at.String()); err == nil {
		c.Close()
		t.Error("somebody still listens")
	}
}

// A detached connection is closed while its peer reads none of the earlier output. Close ends the
// waiting calls at once. The connection itself ends after the linger time.
func TestCloseOfADetachedGivesUp(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	defer func(d time.Duration) { lingerTime = d }(lingerTime)
	lingerTime = 20 * time.Millisecond
	closed := make(chan *detached, 1)
	read := make(chan error, 1)
	at, stop := serve(t, Events{
		Data: func(Conn, []byte) ([]byte, Action) { return make([]byte, 16<<20), Detach },
		Detached: func(_ Conn, rwc io.ReadWriteCloser) Action {
			go func() {
				_, err := rwc.Read(make([]byte, 10))
				read <- err
			}()
			rwc.Close()
			closed <- rwc.(*detached)
			return None
		},
	}, "tcp://127.0.0.1:0")
	c := dial(t, at[0])
	io.WriteString(c, "go")
	d := <-closed
	if _, err := d.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if err := <-read; err != nil && !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read: %v", err)
	}
	<-d.sent
	if !errors.Is(d.err, os.ErrDeadlineExceeded) {
		t.Errorf("the rest: %v", d.err)
	}
	for range 20 { // select chooses at random if the Conn is closed and the rest has failed
		if _, err := d.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Write after Close and the rest: %v", err)
		}
	}
	if err := d.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Close again: %v", err)
	}
	stop()
}

// Two loops fail, one after the other, by Goexit in an event without a panic handler. The first of
// them is the loop that calls Tick, and the second may be the loop that calls Tick afterwards. The
// remaining loops still call Tick, so Tick can end the server.
func TestTicksGoOnWhenTheirLoopFails(t *testing.T) {
	var ticks atomic.Int64
	var end atomic.Bool
	ready, result := make(chan net.Addr, 1), make(chan error, 1)
	events := Events{
		NumLoops: 3, LoadBalance: RoundRobin,
		Serving: func(s Server) Action { ready <- s.Addrs[0]; return None },
		Data:    func(c Conn, in []byte) ([]byte, Action) { runtime.Goexit(); return nil, None },
		Tick: func() (time.Duration, Action) {
			if ticks.Add(1); end.Load() {
				return 0, Shutdown
			}
			return time.Millisecond, None
		},
	}
	go func() { result <- Serve(events, "tcp://127.0.0.1:0") }()
	at := <-ready
	for range 2 {
		c := dial(t, at)
		io.WriteString(c, "x")
		io.Copy(io.Discard, c) // until the loop has ended
		before := ticks.Load()
		for ticks.Load() < before+3 {
			time.Sleep(time.Millisecond)
		}
	}
	end.Store(true)
	if err := <-result; err == nil {
		t.Error("Serve says nothing of the loops that failed")
	}
}
