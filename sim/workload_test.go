package sim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// This is the mixed workload. There are 6 servers (callbacks, tasks, a Poll, net.Conns, TLS,
// datagrams) and 16 clients of three styles, which make 200 calls. For 10 s many things go wrong:
// random faults, cuts, crashes, clocks that drift. Then the faults end. Within 5 minutes of virtual
// time every call must have succeeded, every reactor must have drained, and every descriptor must
// be closed. At all times these rules hold: an echo equals what was sent, every operation ends
// exactly once, and no deadline is early.

const (
	stormTime = 10 * time.Second
	peaceTime = 5 * time.Minute
)

// A load is the mixed workload in one world.
type load struct {
	w       *sim.World
	servers []*sim.Host
	clients []*sim.Host
	left    []int            // how many calls of each client have not succeeded yet
	ends    map[string]error // by the client's address: how a connection of the callback server ended
	short   []shortage       // connections that ended early for the client
	crashed bool             // the callback server's host has crashed, so sent data may be lost
	drained bool             // the slow server has drained, which it does once
	strict  bool             // no random errors: what a server reports about delivery must be true
	over    bool
	matrix  bool                      // one fault in each run; a new reactor after a Poller failed
	secure  bool                      // with TLS
	drains  map[*reactor.Reactor]bool // reactors that drain: they need not echo unread input
	loops   map[*sim.Host]*reactor.Reactor
	visits  []*visit // of the chat
	behind  int      // how often a guest had pending output
}

// stormOptions varies the kernel, the size of the buffers and the severity of the faults with the
// seed.
func stormOptions(seed uint64) sim.Options {
	o := sim.Options{Faults: storm(seed), SizesOnly: true} // because one server uses TLS
	if seed%4 == 3 {
		o.Kernel = []sim.Kernel{sim.FreeBSD, sim.NetBSD}[seed/4%2]
	}
	if seed%5 == 2 {
		o.Buffer = 2 << 10
	}
	if seed%7 == 3 {
		o.Bandwidth = 1 << 20
	}
	if seed%6 == 5 { // so that descriptors run out
		o.Files = 8
	}
	return o
}

func storm(seed uint64) sim.Faults {
	f := sim.Faults{ShortRead: 5 * sim.Percent, ShortWrite: 5 * sim.Percent, Again: 3 * sim.Percent, Interrupt: 2 * sim.Percent,
		Spurious: 3 * sim.Percent, EarlyWait: 3 * sim.Percent, Loss: sim.Percent, Duplicate: 2 * sim.Percent, Reorder: 5 * sim.Percent,
		SlowFIN: 5 * sim.Percent, OneByte: sim.Percent, NeverReads: sim.Percent, SlowAccepts: 5 * sim.Percent}
	if seed%2 == 1 {
		f.Error = sim.Percent / 2
		f.Reset = sim.Percent / 2
	}
	if seed%9 == 1 { // most calls go wrong
		f.Error, f.Again, f.Spurious, f.ShortRead, f.ShortWrite = 8*sim.Percent, 20*sim.Percent, 20*sim.Percent, 30*sim.Percent, 30*sim.Percent
	}
	return f
}

func runStorm(w *sim.World) error {
	l := &load{w: w, ends: map[string]error{}, strict: storm(w.Seed()).Error == 0, loops: map[*sim.Host]*reactor.Reactor{}, drains: map[*reactor.Reactor]bool{}}
	w.Name("callback.test", "10.0.0.99", "10.0.0.1") // no host has the first address
	for i, serve := range []func(*sim.Host, *reactor.Reactor) error{l.callbackServer, l.taskServer, l.pollServer, l.netServer, l.tlsServer,
		l.packetServer} {
		h := w.Host(fmt.Sprintf("10.0.0.%d", i+1))
		l.servers = append(l.servers, h)
		l.boot(h, "server", serve)
	}
	calls := w.Size("calls of a client", 13)
	for i := range w.Size("clients", 16) {
		h := w.Host(fmt.Sprintf("10.0.1.%d", i+1))
		l.clients = append(l.clients, h)
		l.left = append(l.left, max(1, calls-1+i%2)) // 200 in total
		l.boot(h, "client", func(h *sim.Host, r *reactor.Reactor) error { return l.client(i, h, r) })
	}
	l.chaos()
	if err := w.Run(stormTime); err != nil {
		return err
	}
	w.SetFaults(sim.Faults{})
	w.Heal()
	for _, h := range append(l.servers, l.clients...) {
		h.Restart()
		h.SetClock(0)
	}
	if err := w.RunUntil(l.served, peaceTime); err != nil {
		return fmt.Errorf("left to do: %v: %w", l.left, err)
	}
	l.over = true
	w.At(0, l.drain)
	if err := w.RunUntilDone(peaceTime); err != nil {
		return err
	}
	return l.verdict()
}

// boot runs a reactor on a host. It repeats New until that succeeds, because with faults New may
// fail.
func (l *load) boot(h *sim.Host, name string, begin func(*sim.Host, *reactor.Reactor) error) {
	h.Boot(name, func() {
		for tries := 0; tries < 100 && h.Up(); tries++ {
			r, err := reactor.New(reactor.WithKernel(h))
			if err != nil {
				continue // without a reactor it cannot wait
			}
			l.loops[h] = r
			if l.over {
				r.Close()
			}
			if err := begin(h, r); err != nil {
				l.w.Fail(err)
			}
			err = r.Run(context.Background())
			if err == nil && !l.over {
				continue // the server has drained itself
			}
			if next := r.Next(); err == nil && l.matrix && next != timeout.Never {
				l.w.Fail(fmt.Errorf("%s: a timer is left, for %v from now", h, time.Duration(next-r.Now())))
			}
			if err != nil && !errors.Is(err, sim.ErrCrashed) {
				var lost *reactor.UndeliveredError
				if l.matrix && errors.Is(err, kernel.ENOMEM) {
					continue
				}
				if errors.As(err, &lost) && !l.over {
					continue
				}
				if !errors.As(err, &lost) {
					l.w.Fail(fmt.Errorf("%s: Run: %w", h, err))
				}
			}
			return
		}
	})
}

func (l *load) drain() {
	for _, h := range append(l.clients, l.servers...) {
		r := l.loops[h]
		r.Close()
		if err := r.Post(func() {}); err != nil && !errors.Is(err, reactor.ErrClosed) {
			l.w.Fail(err)
		}
	}
}

func (l *load) served() bool {
	for _, n := range l.left {
		if n > 0 {
			return false
		}
	}
	return true
}

// chaos plans cuts, crashes, drains, and drifts of clocks.
func (l *load) chaos() {
	w, rnd := l.w, l.w.Rand()
	any := func() *sim.Host {
		if rnd.Int(3) == 0 {
			return l.servers[rnd.Int(len(l.servers))]
		}
		return l.clients[rnd.Int(len(l.clients))]
	}
	at := func() time.Duration { return time.Duration(rnd.N(int64(stormTime))) }
	for range 4 {
		a, b := l.servers[rnd.Int(len(l.servers))], any()
		if a == b {
			continue
		}
		w.At(at(), func() { w.Cut(a, b) })
		w.At(at(), w.Heal)
	}
	w.At(at(), func() { w.CutOneWay(l.servers[0], l.clients[rnd.Int(len(l.clients))]) })
	for range 3 {
		h := any()
		begin := at()
		l.crashed = l.crashed || h == l.servers[0]
		w.At(begin, h.Crash)
		w.At(begin+time.Duration(rnd.N(int64(3*time.Second))), h.Restart)
	}
	w.At(at()/2, func() { w.Swizzle(stormTime / 2) })
	for range 3 { // a server drains itself and starts again
		h := l.servers[rnd.Int(len(l.servers))]
		w.At(at(), func() {
			if r := l.loops[h]; r != nil && h.Up() {
				l.drains[r] = true
				r.Close()
				r.Post(func() {}) // fails if the loop has ended
			}
		})
	}
	for range 3 {
		h, drift := any(), sim.Chance(rnd.N(200_000)-100_000)
		w.At(at(), func() { h.SetClock(drift) })
	}
}

// verdict checks the conditions that must hold at the end.
func (l *load) verdict() error {
	if leaks := l.w.Leaks(); leaks != nil {
		return fmt.Errorf("descriptors are left:\n\t%s", strings.Join(leaks, "\n\t"))
	}
	if len(l.visits) > 0 && l.behind == 0 {
		return errors.New("nobody in the chat was ever behind: this has tested nothing")
	}
	if !l.strict {
		return nil
	}
	for _, s := range l.short {
		if err, ended := l.ends[s.key]; ended && err == nil {
			return fmt.Errorf("%s: the server's connection was closed in order, but the client has %s", s.key, s.what)
		}
	}
	return nil
}

// A shortage is a call whose connection ended early. It contains the client's address, and how much
// the client had received.
type shortage struct{ key, what string }

// late checks that a wait of d was not too short, by the host's own clock.
func (l *load) late(h *sim.Host, what string, from timeout.Deadline, d time.Duration) {
	if gone := time.Duration(h.Now() - from); gone < d && h.Up() {
		l.w.Fail(fmt.Errorf("%s: %s of %v was over after %v", h, what, d, gone))
	}
}

// sane checks an error that a program got. It must not be EINTR, which the kernel handles itself.
func (l *load) sane(err error) {
	if errors.Is(err, kernel.EINTR) {
		l.w.Fail(fmt.Errorf("EINTR was told: %w", err))
	}
}
