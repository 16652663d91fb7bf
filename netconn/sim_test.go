package netconn_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// impatient is a client in a task on a host with a wrong clock. A deadline ends a call of each
// kind. By the host's clock, no deadline is early. No deadline is late either, because the host is
// not busy with anything else.
type impatient struct {
	t *testing.T
	h *sim.Host
	n *netconn.Net
}

// over checks how a call with a deadline has ended. `from` is the time at which the deadline was
// set.
func (d *impatient) over(what string, from timeout.Deadline, limit time.Duration, err error, want error) {
	d.t.Helper()
	var e net.Error
	if !errors.Is(err, want) || !errors.As(err, &e) || !e.Timeout() {
		d.t.Errorf("%s: %v, want %v", what, err, want)
	}
	if took := time.Duration(d.h.Now() - from); took < limit || took > limit+10*time.Millisecond {
		d.t.Errorf("%s: %v, and its deadline is %v", what, took, limit)
	}
}

func (d *impatient) run(task *reactor.Task) error {
	const limit = 1234567 * time.Microsecond
	c, err := d.n.DialTimeout("tcp", "10.0.0.1:7", time.Minute)
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, 100_000)

	from := d.h.Now()
	err = c.SetReadDeadline(d.n.Time().Add(limit))
	if err == nil {
		_, err = c.Read(buf)
	}
	d.over("read", from, limit, err, os.ErrDeadlineExceeded)

	from = d.h.Now()
	err = c.SetWriteDeadline(d.n.Time().Add(limit))
	for err == nil { // until the buffers are full, because the peer does not read
		_, err = c.Write(buf)
	}
	d.over("write", from, limit, err, os.ErrDeadlineExceeded)

	from = d.h.Now()
	// This is one hour from now by the machine's clock. By the world's clock it is in the past.
	err = c.SetReadDeadline(time.Now().Add(time.Hour))
	if err == nil {
		_, err = c.Read(buf)
	}
	d.over("read with the machine's time", from, 0, err, os.ErrDeadlineExceeded)

	from = d.h.Now()
	err = c.SetDeadline(d.n.Time().Add(time.Hour))
	// While the call waits, its deadline is moved to an earlier time.
	task.Reactor().After(limit, func() { c.SetDeadline(d.n.Time().Add(limit)) })
	if err == nil {
		_, err = c.Read(buf)
	}
	d.over("moved", from, 2*limit, err, os.ErrDeadlineExceeded)

	l, err := d.n.Listen("tcp", ":8")
	if err != nil {
		return err
	}
	defer l.Close()
	from = d.h.Now()
	if err = l.(*netconn.Listener).SetDeadline(d.n.Time().Add(limit)); err == nil {
		_, err = l.Accept()
	}
	d.over("accept", from, limit, err, os.ErrDeadlineExceeded)

	from = d.h.Now()
	_, err = d.n.DialTimeout("tcp", "10.0.0.3:7", limit)
	d.over("dial", from, limit, err, context.DeadlineExceeded)

	from = d.h.Now()
	_, err = d.n.DialTimeout("tcp", "both.test:7", 2*limit) // two addresses share this time
	d.over("dial two addresses", from, 2*limit, err, context.DeadlineExceeded)

	ctx, cancel := context.WithDeadline(context.Background(), d.n.Time().Add(limit))
	defer cancel()
	from = d.h.Now()
	_, err = d.n.DialContext(ctx, "tcp", "10.0.0.3:7")
	d.over("dial with a context", from, limit, err, context.DeadlineExceeded)
	return nil
}

func runDeadlines(t *testing.T, seed uint64) uint64 {
	w := sim.New(seed, sim.Options{})
	defer w.Close()
	server, client, cutOff := w.Host("10.0.0.1"), w.Host("10.0.0.2"), w.Host("10.0.0.3", "10.0.0.4")
	w.Name("both.test", "10.0.0.3", "10.0.0.4")
	boot := func(h *sim.Host, main func(*reactor.Task, *netconn.Net) error) {
		h.Boot("main", func() {
			r, err := reactor.New(reactor.WithKernel(h))
			if err != nil {
				t.Error(err)
				return
			}
			r.Go(func(task *reactor.Task) {
				defer r.Close()
				if err := main(task, netconn.On(r)); err != nil {
					t.Error(err)
				}
			})
			r.Run(context.Background())
		})
	}
	boot(server, func(task *reactor.Task, n *netconn.Net) error {
		l, err := n.Listen("tcp", ":7")
		if err != nil {
			return err
		}
		defer l.Close()
		c, err := l.Accept()
		if err != nil {
			return err
		}
		defer c.Close()
		task.Sleep(time.Minute) // until the client has closed
		_, err = io.Copy(io.Discard, c)
		return err
	})
	client.SetClock([]sim.Chance{0, -200_000, 300_000}[seed%3])
	w.Cut(client, cutOff)
	w.At(2*time.Millisecond, func() {
		boot(client, func(task *reactor.Task, n *netconn.Net) error {
			return (&impatient{t, client, n}).run(task)
		})
	})
	if err := w.Run(3 * time.Millisecond); err != nil { // after this, both hosts are ready
		t.Error(err)
	}
	if err := w.RunUntilDone(time.Hour); err != nil {
		t.Error(err)
	}
	return w.Hash()
}

// A task on a simulated host sets deadlines for connections and dials. The deadlines follow the
// clock of that host, even if this clock is wrong. Two runs with the same seed have the same
// history.
func TestDeadlinesOnASimulatedHost(t *testing.T) {
	for seed := range uint64(6) {
		if first, second := runDeadlines(t, seed), runDeadlines(t, seed); first != second {
			t.Errorf("seed %d has two histories", seed)
		}
	}
}

// If the kernel gives up a connect before the dial's own deadline, the dial returns the kernel's
// error.
func TestDialThatTheKernelGivesUp(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	client, cutOff := w.Host("10.0.0.2"), w.Host("10.0.0.3")
	w.Cut(client, cutOff)
	client.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(client))
		if err != nil {
			t.Error(err)
			return
		}
		r.Go(func(*reactor.Task) {
			defer r.Close()
			_, err := netconn.On(r).DialTimeout("tcp", "10.0.0.3:7", time.Hour)
			if !errors.Is(err, syscall.ETIMEDOUT) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %v: %v", w.Now(), err)
			}
		})
		r.Run(context.Background())
	})
	if err := w.RunUntilDone(time.Hour); err != nil {
		t.Error(err)
	}
}
