package netconn

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// A race is a dial that tries several addresses at the same time (RFC 8305). Each attempt runs in
// its own goroutine or task. The caller starts the attempts and waits. When one attempt has
// connected, the caller gives up the others.
//
//	field    set by                 guarded by
//	caller   dial.race              fixed
//	running  caller and attempts    mu
//	arrived  caller and attempts    mu
type race struct {
	caller  desc.Sleeper
	mu      sync.Mutex
	running []*attempt // the oldest one is first
	arrived []*attempt
}

// An attempt is the connect to one address.
type attempt struct {
	r     *race
	first bool
	to    netaddr.Endpoint
	limit time.Duration
	d     *desc.Desc // the Desc of the socket; nil before it exists. Guarded by race.mu
	lost  bool       // the attempt was given up. Guarded by race.mu
	s     *socket.Socket
	err   error
}

// race returns the first connection. If no attempt succeeds, it returns the error of the first
// address, or another error if the attempt at the first address was given up.
func (c *dial) race(ctx context.Context, order netaddr.Order) (*socket.Socket, netaddr.Endpoint, error) {
	caller, e := c.n.w.Sleeper()
	if e != 0 { // a callback cannot wait: serial's first attempt returns that error
		return c.serial(ctx, order)
	}
	r := &race{caller: caller}
	defer r.end() // deferred, because the task may be unwound
	var first error
	due := timeout.Past // when the next address is tried
	for started := 0; ; {
		for a := r.result(); a != nil; a = r.result() {
			if a.err == nil {
				return a.s, a.to, nil
			}
			if a.first || first == nil {
				first = a.err
			}
			due = timeout.Past
		}
		if now := c.n.k.Now(); due.Passed(now) {
			due = timeout.Never
			if to, limit, ok := c.next(ctx, &order, first); ok {
				r.start(ctx, c, &attempt{r: r, first: started == 0, to: to, limit: limit})
				started++
				if d, more := order.Delay(); more {
					due = timeout.Timeout(d).After(now)
				}
			}
		}
		if r.none() {
			return nil, netaddr.Endpoint{}, first
		}
		if e := caller.Sleep(desc.In, due); e != 0 && e != kernel.ETIMEDOUT {
			return nil, netaddr.Endpoint{}, e
		}
	}
}

// result returns an attempt that has ended, or nil if there is none.
func (r *race) result() *attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.arrived) == 0 {
		return nil
	}
	a := r.arrived[0]
	r.arrived = r.arrived[1:]
	return a
}

// none reports whether no attempt is running or has a result.
func (r *race) none() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.running)+len(r.arrived) == 0
}

// start runs an attempt in its own goroutine or task. If too many attempts run, it gives up the
// oldest one.
func (r *race) start(ctx context.Context, c *dial, a *attempt) {
	r.mu.Lock()
	if len(r.running) == netaddr.RacersMost {
		r.running[0].giveUp()
		r.running = r.running[1:]
	}
	r.running = append(r.running, a)
	r.mu.Unlock()
	a.err = kernel.ECANCELED // the error if the task is unwound
	run := func() {
		defer a.arrive()
		a.s, a.err = c.try(ctx, a.to, a.limit, a.begin)
	}
	if c.n.r == nil {
		go run()
	} else if c.n.r.Go(func(*reactor.Task) { run() }).Done() { // true at once if the loop drains
		a.arrive()
	}
}

// begin is called when the socket exists. It returns false if the attempt was given up.
func (a *attempt) begin(d *desc.Desc) bool {
	a.r.mu.Lock()
	defer a.r.mu.Unlock()
	a.d = d
	return !a.lost
}

// giveUp ends the attempt. The caller holds race.mu.
func (a *attempt) giveUp() {
	a.lost = true
	if a.d != nil {
		a.d.SetDeadline(desc.Out, timeout.Past)
	}
}

// arrive passes the attempt's result to the caller. If the attempt was given up, arrive closes its
// socket.
func (a *attempt) arrive() {
	r := a.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.lost {
		if a.s != nil {
			_ = a.s.Close()
		}
		return
	}
	i := slices.Index(r.running, a)
	r.running = slices.Delete(r.running, i, i+1)
	r.arrived = append(r.arrived, a)
	r.caller.Wake()
}

// end gives up all running attempts, and closes the connections that the caller has not received.
func (r *race) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.running {
		a.giveUp()
	}
	for _, a := range r.arrived { // they have connected at the same time
		if a.s != nil {
			_ = a.s.Close()
		}
	}
}
