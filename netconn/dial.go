package netconn

import (
	"context"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// dialMin is what one of several addresses gets at least of the time that is left, as with package net.
const dialMin = 2 * time.Second

// DialContext is the package's DialContext.
func (n *Net) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx = n.dated(ctx)
	a, err := n.findNetwork(network)
	var list []socket.Addr
	if err == nil {
		list, err = n.targets(ctx, a, address)
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: mapContext(err)}
	}
	var first error
	for i, at := range list {
		s, err := n.try(ctx, a, at, n.share(ctx, len(list)-i))
		if err == nil {
			return n.dialled(a, s, at), nil
		}
		if first == nil {
			first = &net.OpError{Op: "dial", Net: network, Addr: netAddr(a.name, at), Err: err}
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// A dated is a context whose deadline is a time of a simulated kernel's: no timer of the machine's tells when it is over.
type dated struct {
	context.Context
	k   kernel.Kernel
	end time.Time
}

func (n *Net) dated(ctx context.Context) context.Context {
	end, limited := ctx.Deadline()
	if _, own := n.k.(kernel.Dated); !own || !limited {
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

// targets lists the addresses to try.
func (n *Net) targets(ctx context.Context, a nets, address string) ([]socket.Addr, error) {
	switch {
	case address == "":
		return nil, errMissingAddress
	case a.ip == "":
		return []socket.Addr{socket.Path(address)}, nil
	}
	host, port, err := n.endpoint(ctx, a, address)
	if err != nil {
		return nil, err
	}
	if host == "" { // this machine
		host = "127.0.0.1"
		if a.ip == "ip6" {
			host = "::1"
		}
	}
	return n.resolve(ctx, a, host, port)
}

// share is the part of the time left that the next of several addresses gets.
func (n *Net) share(ctx context.Context, addrs int) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	left := kernel.Until(n.k, end)
	if addrs > 1 {
		left = min(left, max(left/time.Duration(addrs), dialMin))
	}
	return max(left, 1)
}

// try connects to one address; 0 is no limit. TCP lets a socket connect to itself when its own port is the one it asks
// for: nobody listens there.
func (n *Net) try(ctx context.Context, a nets, at socket.Addr, limit time.Duration) (*socket.Socket, error) {
	if ctx.Err() != nil {
		return nil, mapContext(ctx.Err())
	}
	s, err := n.socket(at.Family(), a.typ)
	if err != nil {
		return nil, osCause("socket", err)
	}
	if a.typ == socket.SOCK_STREAM && a.ip != "" {
		err = tcpOptions(s)
	}
	if err != nil {
		_ = s.Close()
		return nil, osCause("setsockopt", err)
	}
	err = n.connect(ctx, s, at, limit)
	if err == nil && a.typ == socket.SOCK_STREAM && a.ip != "" {
		self, _ := s.LocalAddr()
		if peer, _ := s.RemoteAddr(); self == peer {
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
	case isErrno(err, kernel.ETIMEDOUT) && limit > 0 && s.Desc().Passed():
		return nil, timeoutError{}
	}
	return nil, osCause("connect", err)
}

// connect is ended by the direction's deadline, which the context's end moves into the past.
func (n *Net) connect(ctx context.Context, s *socket.Socket, at socket.Addr, limit time.Duration) error {
	d := s.Desc()
	if limit > 0 {
		d.SetDeadline(desc.Out, timeout.Timeout(limit).After(n.k.Now()))
	}
	if ctx.Done() != nil {
		over := false // on the loop; else stop waits for the function
		gaveUp := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			defer close(gaveUp)
			if n.r == nil {
				d.SetDeadline(desc.Out, past)
				return
			}
			n.w.Post(func() {
				if !over {
					d.SetDeadline(desc.Out, past)
				}
			})
		})
		defer func() {
			over = true
			if !stop() && n.r == nil {
				<-gaveUp
			}
			d.SetDeadline(desc.Out, 0)
		}()
	} else if limit > 0 {
		defer d.SetDeadline(desc.Out, 0)
	}
	err := s.Connect(at)
	if ctx.Err() != nil && err == nil { // package net gives up what came too late as well
		err = &socket.OSError{Errno: int(kernel.ETIMEDOUT), Op: "connect"}
	}
	return err
}

// dialled makes the connection of a socket that is connected to at: a peer that has reset has no address any more.
func (n *Net) dialled(a nets, s *socket.Socket, at socket.Addr) net.Conn {
	if a.typ == socket.SOCK_DGRAM {
		c := &PacketConn{connected: true}
		c.open(s, a.name)
		return c
	}
	c := &Conn{}
	if c.open(s, a.name); c.remote == nil {
		c.remote = netAddr(a.name, at)
	}
	return c
}
