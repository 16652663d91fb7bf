//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

// The proxy reads exactly the bytes of the header, and passes every byte after it. Each kernel call
// reads and writes only a few bytes.
func TestHeadersUnderFaults(t *testing.T) {
	options := func(seed uint64) sim.Options {
		return sim.Options{Kernel: []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD}[seed%3], Buffer: 4 << 10,
			Faults: sim.Faults{ShortRead: 40 * sim.Percent, ShortWrite: 40 * sim.Percent, Spurious: 20 * sim.Percent}}
	}
	simtest.CheckWith(t, longtest.Count(20, 60, 1000), options, func(w *sim.World) error {
		version := 1 + int(w.Host("10.0.0.1").Rand().N(2))
		return throughProxy(w, version)
	})
}

func throughProxy(w *sim.World, version int) error {
	client, middle, server := w.Host("10.0.0.9"), w.Host("10.0.0.2"), w.Host("10.0.0.3")
	program := func(h *sim.Host, begin func(r *reactor.Reactor) error) {
		h.Boot("main", func() {
			r, err := reactor.New(reactor.WithKernel(h))
			if err == nil {
				err = begin(r)
			}
			if err != nil {
				panic(err)
			}
			_ = r.Run(context.Background())
		})
	}
	listen := func(h *sim.Host, accept func(*reactor.Conn) reactor.Handler, opts ...reactor.ListenOption) {
		program(h, func(r *reactor.Reactor) error {
			_, err := r.Listen("tcp", ":80", accept, opts...)
			return err
		})
	}
	_, trusting, err := configure("", 0, "10.0.0.2/32")
	if err != nil {
		return err
	}
	listen(server, accept, trusting...)
	listen(middle, (&proxy{"10.0.0.3:80", version}).accept, limits)
	var failed error
	done := false
	program(client, func(r *reactor.Reactor) error {
		r.Go(func(t *reactor.Task) {
			defer func() { done = true; r.Close() }()
			if failed = t.Sleep(time.Second); failed == nil {
				failed = talk(t, netconn.On(r), version)
			}
		})
		return nil
	})
	if err := w.RunUntil(func() bool { return done }, time.Hour); err != nil {
		return err
	}
	return failed
}

func talk(t *reactor.Task, n *netconn.Net, version int) error {
	c, err := n.Dial("tcp", "10.0.0.2:80")
	if err != nil {
		return err
	}
	defer c.Close()
	// The proxy expects no header here, so this text is data of the client.
	text := strings.Repeat("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", 300)
	writer := t.Go(func(*reactor.Task) {
		if _, err := io.WriteString(c, text); err == nil {
			_ = c.(*netconn.Conn).CloseWrite()
		}
	})
	got, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	want := fmt.Sprintf("%v to 10.0.0.2:80 by true, version %d\n%s", c.LocalAddr(), version, text)
	if string(got) != want {
		return fmt.Errorf("%d bytes came back, want %d: %.60q", len(got), len(want), got)
	}
	_, err = t.Join(writer)
	return err
}
