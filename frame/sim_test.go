package frame_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/ureactor/ureactor/frame"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
	"github.com/ureactor/ureactor/socket"
)

// An echoer receives lines, and sends each back as a frame that begins with its length.
type echoer struct {
	in    *reactor.Input
	lines frame.Reader
	room  []byte
	err   error
}

var (
	requests = frame.Lines(5000)
	answers  = frame.Length(3, binary.LittleEndian, 5000)
)

func (h *echoer) Data(c *reactor.Conn, _ []byte) {
	for {
		p, err := h.lines.Next(h.in)
		if errors.Is(err, reactor.ErrIncomplete) {
			return
		}
		if err == nil {
			h.room, err = answers.Append(h.room[:0], p)
		}
		if err == nil {
			err = c.Send(h.room)
		}
		if err != nil {
			h.err = err
			_ = c.Abort()
			return
		}
	}
}

func (h *echoer) Closed(c *reactor.Conn, err error) { c.Reactor().Close() }

// program runs a reactor on a host.
func program(h *sim.Host, begin func(r *reactor.Reactor)) {
	h.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			panic(err)
		}
		begin(r)
		_ = r.Run(context.Background())
	})
}

// Frames pass between callbacks and a task, on each kernel. Each kernel call reads and writes only
// a few bytes.
func TestFramesUnderFaults(t *testing.T) {
	options := func(seed uint64) sim.Options {
		return sim.Options{
			Kernel: []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD}[seed%3],
			Buffer: 4 << 10,
			Faults: sim.Faults{ShortRead: 40 * sim.Percent, ShortWrite: 40 * sim.Percent, Spurious: 20 * sim.Percent},
		}
	}
	simtest.CheckWith(t, longtest.Count(30, 150, 3000), options, func(w *sim.World) error {
		server, client := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		h := &echoer{lines: requests.Reader()}
		program(server, func(r *reactor.Reactor) {
			_, h.err = r.Listen("tcp", ":7", func(c *reactor.Conn) reactor.Handler {
				h.in = c.KeepInput(requests.MaxSize())
				return h
			})
		})
		var done bool
		var failed error
		program(client, func(r *reactor.Reactor) {
			r.Go(func(task *reactor.Task) {
				failed = ask(client, netconn.On(r), task)
				done = true
				r.Close()
			})
		})
		if err := w.RunUntil(func() bool { return done }, time.Hour); err != nil {
			return err
		}
		return errors.Join(failed, h.err)
	})
}

// ask sends lines and reads the answers.
func ask(host *sim.Host, n *netconn.Net, task *reactor.Task) error {
	if err := task.Sleep(time.Second); err != nil {
		return err
	}
	c, err := n.Dial("tcp", "10.0.0.1:7")
	if err != nil {
		return err
	}
	defer c.Close()
	rng := host.Rand()
	var lines [][]byte
	for range 20 {
		p := make([]byte, rng.Int(1+rng.Int(5000)))
		for i := range p {
			p[i] = 'a' + byte(rng.Int(26))
		}
		lines = append(lines, p)
	}
	writer := task.Go(func(*reactor.Task) {
		for _, p := range lines {
			b, err := requests.Append(nil, p)
			if err == nil {
				_, err = c.Write(b)
			}
			if err != nil {
				return // then the reader gets no answer
			}
		}
	})
	in, frames := socket.NewInput(c.(socket.DataReader), answers.MaxSize()), answers.Reader()
	for i, want := range lines {
		p, err := frames.Next(in)
		if err != nil || string(p) != string(want) {
			return fmt.Errorf("answer %d is %.50q, %v; want %.50q", i, p, err, want)
		}
	}
	if _, err := task.Join(writer); err != nil {
		return err
	}
	if err := c.(*netconn.Conn).CloseWrite(); err != nil {
		return err
	}
	if _, err := frames.Next(in); err != io.EOF {
		return fmt.Errorf("at the end: %v", err)
	}
	return nil
}
