package netconn

import (
	"context"
	"math"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// DialContext does what the package's DialContext does, with the connections of n.
func (n *Net) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx = n.dated(ctx)
	a, err := findNetwork(network)
	var list []kernel.Addr
	if err == nil {
		list, err = n.targets(ctx, a, address)
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: mapContext(err)}
	}
	var first error
	order := netaddr.NewOrder(list)
	for first == nil || ctx.Err() == nil {
		left, limited := n.left(ctx)
		at, limit, ok := order.Next(left)
		if !ok {
			break
		}
		if !limited {
			limit = 0
		}
		s, err := n.try(ctx, a, at, limit)
		if err == nil {
			return n.made(s, a.Name, at), nil
		}
		if first == nil {
			first = &net.OpError{Op: "dial", Net: network, Addr: netAddr(n.k, a.Name, at), Err: err}
		}
	}
	return nil, first
}

// A dated is a context whose deadline is a time of a simulated kernel. No timer of the machine ends
// it, so Err compares the times.
type dated struct {
	context.Context
	k   kernel.Kernel
	end time.Time
}

func (n *Net) dated(ctx context.Context) context.Context {
	end, limited := ctx.Deadline()
	if _, simulated := n.k.(kernel.Dated); !simulated || !limited {
		return ctx
	}
	return &dated{ctx, n.k, end}
}

func (d *dated) Deadline() (time.Time, bool) { return d.end, true }

func (d *dated) Err() error {
	if err := d.Context.Err(); err != nil {
		return err
	}
	if kernel.Until(d.k, d.end) <= 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// targets returns the addresses to try.
func (n *Net) targets(ctx context.Context, a netaddr.Network, address string) ([]kernel.Addr, error) {
	if address == "" {
		return nil, errMissingAddress
	}
	q, err := n.resolve(ctx, a, address, false)
	if err != nil {
		return nil, err
	}
	return q.Targets(n.k)
}

// left returns the time that a dial has left, at least 1 ns. limited is false if it has no limit.
func (n *Net) left(ctx context.Context) (left time.Duration, limited bool) {
	end, limited := ctx.Deadline()
	if !limited {
		return math.MaxInt64, false
	}
	return max(kernel.Until(n.k, end), 1), true
}

// try connects to one address. A limit of 0 means no limit.
func (n *Net) try(ctx context.Context, a netaddr.Network, at kernel.Addr, limit time.Duration) (*socket.Socket, error) {
	if ctx.Err() != nil {
		return nil, mapContext(ctx.Err())
	}
	s, err := n.socket(at.Family, a.Type)
	if err != nil {
		return nil, osCause("socket", err)
	}
	a.Birth(at.Family, netaddr.Trying(setter(s)))
	if a.TCP() {
		tcpOptions(s)
	}
	err = n.connect(ctx, s, socketAddr(at), limit)
	if err == nil {
		self, _ := s.LocalAddr()
		if peer, _ := s.RemoteAddr(); a.SelfConnect(kernelAddr(self), kernelAddr(peer)) {
			err = &socket.OSError{Errno: int(kernel.ECONNREFUSED), Op: "connect"}
		}
	}
	if err == nil {
		return s, nil
	}
	_ = s.Close()
	switch {
	case ctx.Err() != nil:
		return nil, mapContext(ctx.Err())
	case isErrno(err, kernel.ETIMEDOUT) && limit > 0 && inside.Desc(s).DeadlinePassed():
		return nil, timeoutError{}
	}
	return nil, osCause("connect", err)
}

// connect waits until the connection is made, limit has passed or ctx ends. Both end the call by
// the deadline for Out: the end of ctx moves it into the past.
func (n *Net) connect(ctx context.Context, s *socket.Socket, at socket.Addr, limit time.Duration) error {
	d := inside.Desc(s)
	if limit > 0 {
		d.SetDeadline(desc.Out, timeout.Timeout(limit).After(n.k.Now()))
	}
	if ctx.Done() != nil {
		returned := false          // on a loop: a function that is posted too late does nothing
		ran := make(chan struct{}) // else: the return waits for a function that has begun
		stop := context.AfterFunc(ctx, func() {
			defer close(ran)
			if n.r == nil {
				d.SetDeadline(desc.Out, timeout.Past)
				return
			}
			n.w.Post(func() {
				if !returned {
					d.SetDeadline(desc.Out, timeout.Past)
				}
			})
		})
		defer func() {
			returned = true
			if !stop() && n.r == nil {
				<-ran
			}
			d.SetDeadline(desc.Out, timeout.Never)
		}()
	} else if limit > 0 {
		defer d.SetDeadline(desc.Out, timeout.Never)
	}
	err := s.Connect(at)
	if ctx.Err() != nil && err == nil { // as package net: a connection that came too late is an error
		err = &socket.OSError{Errno: int(kernel.ETIMEDOUT), Op: "connect"}
	}
	return err
}
