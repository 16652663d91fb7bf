//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package locked

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/timeout"
)

func init() { runtime.LockOSThread() } // the main goroutine stays on the main thread

var toMain = make(chan func())

// TestMain runs the functions that the tests send to the main goroutine.
func TestMain(m *testing.M) {
	code := make(chan int)
	go func() { code <- m.Run() }()
	serve(code)
}

// serve runs the functions until m.Run ends. If a function calls runtime.Goexit, the deferred call
// of serve continues.
func serve(code chan int) {
	//lint:ignore SA5007 it ends with os.Exit, and the deferred call runs after a Goexit only
	defer serve(code)
	for {
		select {
		case f := <-toMain:
			f()
		case c := <-code:
			os.Exit(c)
		}
	}
}

const long = 60 * time.Second // a time limit that no test reaches

// places are the kinds of goroutines on which a test runs f.
var places = map[string]func(f func()){
	"main": func(f func()) {
		done := make(chan struct{})
		toMain <- func() { defer close(done); f() }
		<-done
	},
	"locked goroutine": func(f func()) {
		done := make(chan struct{})
		go func() {
			runtime.LockOSThread() // the thread ends with the goroutine
			defer close(done)
			f()
		}()
		<-done
	},
	"goroutine": func(f func()) {
		done := make(chan struct{})
		go func() { defer close(done); f() }()
		<-done
	},
}

// inEachPlace runs f in each place. f gets a function that runs code in another place.
func inEachPlace(t *testing.T, f func(t *testing.T, elsewhere func(func()))) {
	for one, run := range places {
		for other, elsewhere := range places {
			if one != other {
				t.Run(one+" and "+other, func(t *testing.T) { run(func() { f(t, elsewhere) }) })
			}
		}
	}
}

// A handshake that waits is ended by its context, and by a Close on another goroutine.
func TestHandshakeIsEndedElsewhere(t *testing.T) {
	inEachPlace(t, func(t *testing.T, elsewhere func(func())) {
		s := newSilent(t)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		if err := dial(s).HandshakeContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("context: %v", err)
		}
		c := dial(s)
		if _, err := c.Read(nil); err != nil { // this does not start the handshake
			t.Error(err)
		}
		time.AfterFunc(10*time.Millisecond, func() { c.Close() })
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Close by a timer: %v", err)
		}
		ss := deferred(t, nil, s.port())
		elsewhere(func() { ss.Close() })
		if _, err := ss.Read(make([]byte, 1)); !errors.Is(err, syscall.EBADF) {
			t.Errorf("Close elsewhere: %v", err)
		}
	})
}

// One goroutine begins a handshake. A Poll and a Write on other goroutines continue it.
func TestHandshakeGoesOnElsewhere(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	inEachPlace(t, func(t *testing.T, elsewhere func(func())) {
		l, err := tls.Listen("tcp", "127.0.0.1:0", serverConfig(t))
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		go func() {
			if c, err := l.Accept(); err == nil {
				_, _ = io.Copy(c, c)
				c.Close()
			}
		}()
		s := deferred(t, nil, l.Addr().(*net.TCPAddr).Port)
		defer s.Close()
		elsewhere(func() {
			p := sel.New()
			defer p.Close()
			if err := p.Register(s, sel.POLLOUT); err != nil {
				t.Error(err)
			}
			if ev, err := p.Poll(int(long.Milliseconds())); err != nil || len(ev) != 1 {
				t.Errorf("Poll: %v, %v", ev, err)
			}
		})
		_ = s.SetTimeout(timeout.None)
		elsewhere(func() { _, _ = s.Write([]byte("hello")) })
		if b, err := s.ReadSize(5); string(b) != "hello" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	})
}

// The garbage collector closes an SSLSocket that is unreachable in the middle of its handshake. The
// SSLSocket either parks goroutines, or belongs to a loop that has ended and that ran on another
// goroutine.
func TestHandshakeIsCollected(t *testing.T) {
	inEachPlace(t, func(t *testing.T, elsewhere func(func())) {
		s := newSilent(t)
		deferred(t, nil, s.port())
		s.ends(true)
		r, err := reactor.New()
		if err != nil {
			t.Error(err)
			return
		}
		deferred(t, r, s.port())
		elsewhere(func() {
			r.Post(func() { r.Close() })
			if err := r.Run(context.Background()); err != nil {
				t.Error(err)
			}
		})
		s.ends(true)
	})
}

// A socket of a loop is made before the loop runs and is closed after the loop has ended, on
// another goroutine than the loop's.
func TestLoopsSocketIsClosedElsewhere(t *testing.T) {
	inEachPlace(t, func(t *testing.T, elsewhere func(func())) {
		s := newSilent(t)
		r, err := reactor.New()
		if err != nil {
			t.Error(err)
			return
		}
		ss := deferred(t, r, s.port())
		elsewhere(func() {
			r.Go(func(*reactor.Task) { // continues the handshake
				defer r.Close()
				_ = ss.SetTimeout(timeout.Timeout(10 * time.Millisecond))
				if _, err := ss.Read(make([]byte, 1)); !errors.Is(err, syscall.ETIMEDOUT) {
					t.Errorf("Read in the task: %v", err)
				}
			})
			if err := r.Run(context.Background()); err != nil {
				t.Error(err)
			}
		})
		_ = ss.Close()
		s.ends(false)
	})
}

// A loop in each place serves TLS with Handlers and with tasks, some of which other goroutines have
// started. A peer that stops during its handshake is closed at the time limit.
func TestLoopServesTLS(t *testing.T) {
	inEachPlace(t, func(t *testing.T, elsewhere func(func())) {
		r, err := reactor.New()
		if err != nil {
			t.Error(err)
			return
		}
		var at, impatient net.Addr
		elsewhere(func() { // nobody runs the loop yet, so any goroutine may use it
			for timeout, to := range map[time.Duration]*net.Addr{time.Minute: &at, 10 * time.Millisecond: &impatient} {
				l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} },
					netconn.WithHandshakeTimeout(serverConfig(t), timeout))
				if err != nil {
					t.Error(err)
					return
				}
				*to = l.Addr()
			}
			r.Go(func(*reactor.Task) {})
		})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			raw, err := net.Dial("tcp", impatient.String())
			if err != nil {
				t.Error(err)
				return
			}
			defer raw.Close()
			_, _ = raw.Write([]byte{22, 3, 1}) // the beginning of a ClientHello
			talked := make(chan error, 1)
			r.Post(func() { r.Go(func(*reactor.Task) { talked <- talk(netconn.On(r).Dial("tcp", at.String())) }) })
			if err := errors.Join(talk(net.Dial("tcp", at.String())), <-talked); err != nil {
				t.Error(err)
			}
			if _, err := io.Copy(io.Discard, raw); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			r.Close()
		}()
		if err := r.Run(context.Background()); err != nil {
			t.Error(err)
		}
		<-ended
	})
}

// talk makes a TLS client of the connection, and checks that the server echoes. The caller is a
// task or another goroutine.
func talk(nc net.Conn, err error) error {
	if err != nil {
		return err
	}
	var c net.Conn
	if _, ours := nc.(*netconn.Conn); ours {
		c = netconn.Client(nc, clientConfig())
	} else {
		c = tls.Client(nc, clientConfig())
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 5))
	return err
}

type echo struct{}

func (echo) Data(c *reactor.Conn, p []byte)  { _ = c.Send(p) }
func (echo) Closed(_ *reactor.Conn, _ error) {}
