package sim_test

import (
	"slices"
	"time"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

func (c *scripter) poller() {
	p, err := c.k.NewPoller()
	if c.note("poller %v", err); err == nil && len(c.pollers) < 4 {
		c.pollers = append(c.pollers, p)
	} else if err == nil {
		c.note("closed: %v", p.Close())
	}
}

// pause waits for a millisecond. Usually a packet arrives in this time.
func (c *scripter) pause() {
	if p, err := c.k.NewPoller(); err == nil {
		_, err = p.Wait(make([]poller.Event, 1), c.k.Now()+timeout.Deadline(time.Millisecond))
		c.note("pause %v %v", err, p.Close())
	}
}

// watch registers a descriptor, or changes or ends its registration.
func (c *scripter) watch() {
	if len(c.pollers) == 0 {
		c.poller()
		return
	}
	p, fd := c.pollers[c.r.Int(len(c.pollers))], c.fd()
	want := []poller.Interest{poller.In, poller.Out, poller.In | poller.Out, poller.In | poller.Edge, poller.In | poller.Out | poller.Edge, 0}[c.r.Int(6)]
	old := c.watched[fd]
	switch {
	case fd == p.FD(): // NetBSD's kernel hangs if a kqueue watches itself
	case old == nil && c.yes(10) && len(c.pollers) > 1:
		q := c.pollers[c.r.Int(len(c.pollers))]
		if fd = q.FD(); q != p {
			c.note("nest(%d, %d): %v", p.FD(), fd, p.Add(fd, 1, poller.In))
		}
	case old == nil || c.yes(20):
		err := p.Add(fd, uint32(fd), want)
		if c.note("add(%d, %d, %v): %v", p.FD(), fd, want, err); err == nil && old == nil {
			c.watched[fd] = p
		} else if err == nil { // two Pollers
			c.note("del: %v", p.Del(fd))
		}
	case c.yes(3):
		c.note("del(%d): %v", fd, old.Del(fd))
		delete(c.watched, fd)
	case c.yes(20):
		c.note("mod(%d, %d): %v", p.FD(), fd, p.Mod(fd, 7, want))
	default:
		c.note("mod(%d, %d): %v", old.FD(), fd, old.Mod(fd, 7, want))
	}
}

// poll waits for Events, or closes the Poller.
func (c *scripter) poll() {
	if len(c.pollers) == 0 {
		c.poller()
		return
	}
	i := c.r.Int(len(c.pollers))
	p := c.pollers[i]
	if c.yes(40) {
		c.note("close of a poller: %v, %v", p.Close(), p.Close())
		c.pollers = slices.Delete(c.pollers, i, i+1)
		for _, fd := range c.fds {
			if c.watched[fd] == p {
				delete(c.watched, fd)
			}
		}
		return
	}
	if c.yes(10) {
		c.note("wake: %v", p.Wake())
	}
	events := make([]poller.Event, c.pick(1, 2, 8))
	until := timeout.Deadline(0)
	if !c.quiet && !c.yes(3) {
		until = c.k.Now() + timeout.Deadline([]time.Duration{0, 1, time.Microsecond, time.Millisecond, 50 * time.Millisecond, time.Second}[c.r.Int(6)])
	}
	if h, is := c.k.(*sim.Host); is && !c.quiet && c.yes(20) {
		h.Go(func() { c.note("goes") })
	}
	n, err := p.Wait(events, until)
	c.note("wait(%d) = %v %v", p.FD(), events[:n], err)
}
