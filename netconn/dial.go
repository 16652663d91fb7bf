package netconn

import (
	"context"
	"math"
	"net"
	"net/http/httptrace"
	"os"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// A dial is one call of a Dialer.
type dial struct {
	*Dialer
	n       *Net
	net     netaddr.Network
	network string
	trace   *httptrace.ClientTrace // nil if ctx has none
}

// run connects to one of the addresses.
func (c *dial) run(ctx context.Context, list []netaddr.Endpoint) (net.Conn, error) {
	order := netaddr.NewOrder(list, c.FallbackDelay)
	choose := c.serial
	if _, more := order.Delay(); more && len(list) > 1 && c.net.TCP() {
		choose = c.race
	}
	s, to, err := choose(ctx, order)
	if err != nil {
		return nil, err
	}
	return c.n.made(s, c.network, to.Addr), nil
}

// serial tries one address after the other. If all fail, it returns the error of the first.
func (c *dial) serial(ctx context.Context, order netaddr.Order) (*socket.Socket, netaddr.Endpoint, error) {
	var first error
	for {
		to, limit, ok := c.next(ctx, &order, first)
		if !ok {
			return nil, to, first
		}
		s, err := c.try(ctx, to, limit, func(*desc.Desc) bool { return true })
		if err == nil {
			return s, to, nil
		}
		if first == nil {
			first = err
		}
	}
}

// next returns the next address and a time limit for it, or 0 for none. If ctx has ended, next
// returns only the first address, because the error of that attempt is the result.
func (c *dial) next(ctx context.Context, order *netaddr.Order, first error) (to netaddr.Endpoint, limit time.Duration, ok bool) {
	if first != nil && ctx.Err() != nil {
		return to, 0, false
	}
	left, limited := c.n.left(ctx)
	to, limit, ok = order.Next(left)
	if !limited {
		limit = 0
	}
	return to, limit, ok
}

// left returns the time that is left for a dial, at least 1 ns. If the dial has no limit, limited
// is false.
func (n *Net) left(ctx context.Context) (left time.Duration, limited bool) {
	end, limited := ctx.Deadline()
	if !limited {
		return math.MaxInt64, false
	}
	return max(kernel.Until(n.k, end), 1), true
}

// selfConnects is how often a dial is repeated after its socket has connected to itself. For each
// attempt the kernel chooses another port. Package net has the same limit.
const selfConnects = 2

// try connects to one address. A limit of 0 means no limit. It calls begin when the socket exists.
// If begin returns false, the attempt ends.
func (c *dial) try(ctx context.Context, to netaddr.Endpoint, limit time.Duration, begin func(*desc.Desc) bool) (s *socket.Socket, err error) {
	shown := to.Net(c.net)
	if c.trace != nil && c.trace.ConnectStart != nil {
		c.trace.ConnectStart(c.network, shown.String())
	}
	if c.trace != nil && c.trace.ConnectDone != nil {
		defer func() { c.trace.ConnectDone(c.network, shown.String(), err) }()
	}
	if s, err = c.reach(ctx, to, limit, begin); err != nil {
		err = &net.OpError{Op: "dial", Net: c.network, Source: given(c.LocalAddr), Addr: shown, Err: err}
	}
	return s, err
}

// reach connects to one address. It returns the cause of an error, without the operation.
func (c *dial) reach(ctx context.Context, to netaddr.Endpoint, limit time.Duration, begin func(*desc.Desc) bool) (*socket.Socket, error) {
	_, port, _ := ipOf(c.LocalAddr)
	for i := 0; ; i++ {
		s, err := c.single(ctx, to, limit, begin)
		switch {
		case err != errSelf:
			return s, err
		case i == selfConnects, port != 0:
			return nil, os.NewSyscallError("connect", kernel.ECONNREFUSED)
		}
	}
}

// errSelf is the error of a socket that has connected to itself.
var errSelf error = &net.AddrError{Err: "connected to itself"}

// single makes one socket and connects it.
func (c *dial) single(ctx context.Context, to netaddr.Endpoint, limit time.Duration, begin func(*desc.Desc) bool) (*socket.Socket, error) {
	if ctx.Err() != nil {
		return nil, mapContext(ctx.Err())
	}
	s, remote, err := c.open(ctx, to)
	if err != nil {
		return nil, err
	}
	connected := false
	defer func() { // deferred: the task may be unwound
		if !connected {
			_ = s.Close()
		}
	}()
	if !begin(inside.Desc(s)) {
		return nil, timeoutError{}
	}
	if c.net.Unix() && remote.Path == "" { // a datagram socket without a peer
		connected = true
		return s, nil
	}
	err = c.n.connect(ctx, s, socketAddr(remote), limit)
	switch {
	case err == nil:
		self, _ := s.LocalAddr()
		if peer, _ := s.RemoteAddr(); c.net.SelfConnect(kernelAddr(self), kernelAddr(peer)) {
			return nil, errSelf
		}
		connected = true
		return s, nil
	case ctx.Err() != nil:
		return nil, mapContext(ctx.Err())
	case isErrno(err, kernel.ETIMEDOUT) && limit > 0 && inside.Desc(s).DeadlinePassed():
		return nil, timeoutError{}
	}
	return nil, osCause("connect", err)
}

// open makes a socket with its options, and binds it to the Dialer's LocalAddr. remote is the
// address to connect to.
func (c *dial) open(ctx context.Context, to netaddr.Endpoint) (s *socket.Socket, remote kernel.Addr, err error) {
	family := kernel.AF_UNIX
	remote = to.Addr
	local, _, _ := ipOf(c.LocalAddr)
	if !c.net.Unix() {
		var ok bool
		family = c.net.FamilyOf(local, net.IP(to.IP.WithZone("").AsSlice()))
		if !to.IP.IsValid() || to.IP.IsUnspecified() { // this machine, in the family of the socket
			to = to.HereIn(family)
		}
		if remote, ok = netaddr.ForSocket(family, to.Addr); !ok {
			return nil, remote, &net.AddrError{Err: "non-IPv4 address", Addr: to.IP.String()}
		}
	}
	s, err = c.n.socket(family, c.net.Type)
	if err != nil {
		return nil, remote, osCause("socket", err)
	}
	try := netaddr.Trying(setter(s))
	c.net.Birth(family, try)
	if c.net.TCP() {
		tcpOptions(s, netaddr.KeepAliveOf(c.KeepAlive, c.KeepAliveConfig))
	}
	if err = c.prepare(ctx, s, to); err != nil {
		_ = s.Close()
	}
	return s, remote, err
}

// controlNetwork returns the network for a Control function, which names the family: tcp4, for
// example.
func controlNetwork(network string, s *socket.Socket) string {
	switch last := network[len(network)-1]; {
	case s.Family() == socket.AF_UNIX, last == '4', last == '6':
		return network
	case s.Family() == socket.AF_INET:
		return network + "4"
	}
	return network + "6"
}

// prepare calls the Dialer's Control function and binds the socket.
func (c *dial) prepare(ctx context.Context, s *socket.Socket, to netaddr.Endpoint) error {
	address := to.Net(c.net).String()
	if to.Addr.Family == kernel.AF_UNIX && to.Addr.Path == "" && !missing(c.LocalAddr) {
		address = c.LocalAddr.String()
	}
	var err error
	if c.ControlContext != nil {
		err = c.ControlContext(ctx, controlNetwork(c.network, s), address, rawOf(s, c.network))
	} else if c.Control != nil {
		err = c.Control(controlNetwork(c.network, s), address, rawOf(s, c.network))
	}
	if err != nil {
		return err
	}
	return bindLocal(s, c.LocalAddr)
}

// connect waits until the connection is made, the limit has passed or ctx ends. The limit is set as
// the deadline for Out. When ctx ends, connect moves this deadline into the past.
func (n *Net) connect(ctx context.Context, s *socket.Socket, at socket.Addr, limit time.Duration) error {
	d := inside.Desc(s)
	if limit > 0 {
		d.SetDeadline(desc.Out, timeout.Timeout(limit).After(n.k.Now()))
	}
	if ctx.Done() != nil {
		returned := false          // on a loop: a function that runs later does nothing
		ran := make(chan struct{}) // in a goroutine: connect waits for a function that has begun
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
	// As in package net, a connection that is complete after the end of ctx counts as an error.
	if ctx.Err() != nil && err == nil {
		err = &socket.OSError{Errno: int(kernel.ETIMEDOUT), Op: "connect"}
	}
	return err
}
