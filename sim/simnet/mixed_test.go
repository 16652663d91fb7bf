package simnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simnet"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// lines is a Handler that answers each request of an HTTP/1.0 client.
type lines struct{}

func (lines) Data(c *reactor.Conn, p []byte) {
	if strings.Contains(string(p), "\r\n\r\n") {
		fmt.Fprint(c, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		c.Close()
	}
}
func (lines) Closed(*reactor.Conn, error) {}

// get requests the page of the server.
func get(h *simnet.Host, url string) error {
	tr := &http.Transport{DialContext: h.DialContext}
	defer tr.CloseIdleConnections()
	r, err := (&http.Client{Transport: tr}).Get(url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "hello" {
		return fmt.Errorf("%q, %v", b, err)
	}
	return nil
}

// A reactor serves the client of net/http in two ways: on a goroutine of the bubble, with
// Host.Kernel, and in a program that Boot starts on the sim.Host.
func TestReactorServesGoroutines(t *testing.T) {
	in(t, sim.Options{}, func(n *simnet.Net, a, b *simnet.Host) error {
		r, err := reactor.New(reactor.WithKernel(a.Kernel()))
		if err != nil {
			return err
		}
		if _, err := r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return lines{} }); err != nil {
			return err
		}
		ended := make(chan error)
		go func() { ended <- r.Run(context.Background()) }()
		err = get(b, "http://10.0.0.1/")
		return errors.Join(err, r.Shutdown(context.Background()), <-ended)
	})
	in(t, sim.Options{}, func(n *simnet.Net, a, b *simnet.Host) error {
		n.Do(func(w *sim.World) {
			a.Sim().Boot("server", func() {
				r, err := reactor.New(reactor.WithKernel(a.Sim()))
				if err != nil {
					panic(err)
				}
				r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return lines{} })
				r.Run(context.Background())
			})
		})
		time.Sleep(time.Second)
		return get(b, "http://10.0.0.1/")
	})
}

// EAGAIN of a fault ends for every kind of loop: on a goroutine and in a program that Boot starts,
// level-triggered and edge-triggered. Clients of a callback server get their echo.
func TestEAGAINOfAFaultEndsForEachLoop(t *testing.T) {
	for seed := range uint64(longtest.Count(1, 10, 200)) {
		for _, opt := range []sim.Options{{}, {ShortReads: true}, {Kernel: sim.FreeBSD}, {Kernel: sim.NetBSD}} {
			for _, booted := range []bool{false, true} {
				opt.Faults = sim.Faults{Again: 30 * sim.Percent}
				if err := simnet.Run(t, sim.New(seed, opt), func(n *simnet.Net) error { return serveAndAsk(n, booted) }); err != nil {
					t.Errorf("seed %d, booted %v, %+v: %v", seed, booted, opt, err)
				}
			}
		}
	}
}

func serveAndAsk(n *simnet.Net, booted bool) (err error) {
	a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
	begin := func(k kernel.Kernel) (*reactor.Reactor, error) {
		r, err := reactor.New(reactor.WithKernel(k))
		if err == nil {
			_, err = r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return echoes{} })
		}
		return r, err
	}
	if booted {
		n.Do(func(w *sim.World) {
			a.Sim().Boot("server", func() {
				r, err := begin(a.Sim())
				if err != nil {
					panic(err)
				}
				_ = r.Run(context.Background())
			})
		})
		time.Sleep(time.Second) // until the server listens
	} else {
		r, err := begin(a.Kernel())
		if err != nil {
			return err
		}
		ended := make(chan error)
		go func() { ended <- r.Run(context.Background()) }()
		defer func() { err = errors.Join(err, r.Shutdown(context.Background()), <-ended) }()
	}
	for range 5 {
		if err := exchange(b, make([]byte, 10)); err != nil {
			return err
		}
	}
	return exchange(b, make([]byte, 500_000))
}

// exchange sends the message and receives its echo.
func exchange(h *simnet.Host, message []byte) error {
	c, err := h.Dial("tcp", "10.0.0.1:80")
	if err != nil {
		return err
	}
	defer c.Close()
	go c.Write(message)
	_, err = io.ReadFull(c, make([]byte, len(message)))
	return err
}

type echoes struct{}

func (echoes) Data(c *reactor.Conn, p []byte)  { _ = c.Send(p) }
func (echoes) Closed(c *reactor.Conn, _ error) {}

// Sockets and Polls of goroutines work in a bubble. A Poll of three sockets reports the socket that
// has input, and timeouts expire at their virtual times.
func TestParkedSocketsAndPolls(t *testing.T) {
	in(t, sim.Options{Latency: 10 * time.Millisecond, Jitter: 1}, func(n *simnet.Net, a, b *simnet.Host) error {
		l, err := a.Socket(socket.AF_INET, socket.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer l.Close()
		if err := errors.Join(l.Bind(socket.Tuple("0.0.0.0", 80)), l.Listen(socket.DefaultBacklog)); err != nil {
			return err
		}
		p := b.Poll()
		defer p.Close()
		var clients, conns []*socket.Socket
		for range 3 {
			c, err := b.Socket(socket.AF_INET, socket.SOCK_STREAM, 0)
			if err == nil {
				err = errors.Join(c.Connect(socket.Tuple("10.0.0.1", 80)), p.Register(c, sel.POLLIN))
			}
			if err != nil {
				return err
			}
			defer c.Close()
			s, _, err := l.Accept()
			if err != nil {
				return err
			}
			defer s.Close()
			clients, conns = append(clients, c), append(conns, s)
		}
		from := time.Now()
		if ready, err := p.Poll(500); len(ready) != 0 || err != nil || time.Since(from).Truncate(time.Millisecond) != 500*time.Millisecond {
			t.Errorf("%v, %v after %v", ready, err, time.Since(from))
		}
		time.AfterFunc(time.Second, func() { conns[1].Send([]byte("x")) })
		from = time.Now()
		ready, err := p.Poll(-1)
		if took := time.Since(from); len(ready) != 1 || ready[0].Obj != sel.Pollable(clients[1]) || err != nil ||
			took < 1010*time.Millisecond || took > 1011*time.Millisecond {
			t.Errorf("%v, %v after %v", ready, err, took)
		}
		from = time.Now()
		clients[0].SetTimeout(timeout.Timeout(2 * time.Second))
		if _, err := clients[0].Recv(1); err == nil || time.Since(from) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(from))
		}
		return nil
	})
}
