package reactor

import (
	"errors"
	"fmt"
	"net"
	"runtime"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// A Balance says how the loops of a Group share the connections to one address.
type Balance int

const (
	// ByAddress means that every loop has a socket of its own at the address (SO_REUSEPORT). The
	// kernel chooses a socket by a hash of the connection's addresses. No connection is passed to
	// another loop, and no loop depends on another. How many connections each loop gets is random:
	// see doc/groups.md. ByAddress works on Linux, DragonFly and FreeBSD, but not for Unix sockets.
	ByAddress Balance = 1 + iota
	// RoundRobin means that one loop accepts all connections, and passes them to the loops in turn.
	RoundRobin
	// LeastConns means that one loop accepts all connections. It passes each connection to the loop
	// that has the fewest open connections of this address.
	LeastConns
)

// WithBalance sets the Balance of Group.Listen. The default is ByAddress, if the system has it and
// WithMaxConns is not set. Otherwise the default is RoundRobin: for WithMaxConns, one loop must
// count all connections.
func WithBalance(b Balance) ListenOption {
	return listenOption(func(o *sockOptions) error {
		if b < ByAddress || b > LeastConns {
			return fmt.Errorf("reactor: WithBalance(%d): must be ByAddress, RoundRobin or LeastConns", b)
		}
		o.balance = b
		return o.only("listen", "WithBalance")
	})
}

// A GroupListener is an address that the loops of a Group serve together.
type GroupListener struct {
	g      *Group
	addr   net.Addr
	parts  []*sharedSocket // one for each socket
	closed bool            // guarded by the Group's mutex
}

// Addr returns the address, with the port that the kernel has chosen.
func (l *GroupListener) Addr() net.Addr { return l.addr }

// Listen accepts connections on all loops. network, addr and the options are those of
// Reactor.Listen. All loops call accept, possibly at the same time. A Conn belongs to the loop that
// has called accept for it: see Conn.Reactor.
//
// If another program has a socket at the address, Listen returns EADDRINUSE, as for a single loop.
// The exception is that both programs have set SO_REUSEPORT (WithReusePort).
func (g *Group) Listen(network, addr string, accept func(*Conn) Handler, opts ...ListenOption) (*GroupListener, error) {
	if accept == nil {
		panic("reactor: Listen with a nil accept function")
	}
	n, o, err := readOptions(g.k, "listen", network, true, eachOption(opts, ListenOption.forListen))
	if err == nil {
		err = g.divide(n, o)
	}
	if err != nil {
		return nil, opError("listen", network, addr, err)
	}
	l, err := g.listen(n, addr, o, func(_ netaddr.Binding, socks []inheritedSocket) (parts []sharedPart, err error) {
		for i, s := range socks {
			at, err := listenOn(g.k, s, o)
			if err != nil {
				closeInherited(g.k, socks[i+1:])
				closeInherited(g.k, socks[:i])
				return nil, err
			}
			l := &Listener{opt: o, net: n, addr: at, file: s.file, accept: accept}
			if o.groupShared || len(g.loops) == 1 {
				parts = append(parts, l)
			} else {
				parts = append(parts, newDistributor(g, l))
			}
		}
		return parts, nil
	})
	if err != nil {
		return nil, opError("listen", network, addr, err)
	}
	return l, nil
}

// ListenPacket receives datagrams on all loops. If SO_REUSEPORT balances on this system, each loop
// has a socket of its own at the address. The kernel chooses a socket by a hash of the addresses,
// so all datagrams of one sender reach the same loop. On other systems, and for Unix sockets, one
// loop receives everything.
//
// open returns the handler of a loop's PacketConn, which must not be nil. All loops call open,
// possibly at the same time. Before Run, the goroutine that calls ListenPacket does.
func (g *Group) ListenPacket(network, addr string, open func(*PacketConn) PacketHandler,
	opts ...ListenOption) (*GroupListener, error) {
	if open == nil {
		panic("reactor: ListenPacket with a nil function")
	}
	n, o, err := readOptions(g.k, "listen packet", network, false, eachOption(opts, ListenOption.forListen))
	if err == nil {
		err = g.divide(n, o)
	}
	if err != nil {
		return nil, opError("listen", network, addr, err)
	}
	l, err := g.listen(n, addr, o, func(b netaddr.Binding, socks []inheritedSocket) (parts []sharedPart, err error) {
		for _, s := range socks {
			parts = append(parts, &packetPart{net: n, at: b, opt: o, file: s.file, choose: open})
		}
		return parts, nil
	})
	if err != nil {
		return nil, opError("listen", network, addr, err)
	}
	return l, nil
}

// divide decides how the loops share the address.
func (g *Group) divide(n netaddr.Network, o *sockOptions) error {
	can := kernel.SO_BALANCE != 0 && !n.Unix()
	switch {
	case o.balance == ByAddress && n.Unix():
		return errors.New("ByAddress: a Unix socket's path cannot be shared")
	case o.balance == ByAddress && !can:
		return errors.New("ByAddress: SO_REUSEPORT does not balance on " + runtime.GOOS)
	case o.balance == ByAddress && o.maxConns > 0:
		return errors.New("ByAddress: cannot count for WithMaxConns; use RoundRobin or LeastConns")
	case o.balance == 0 && can && o.maxConns == 0:
		o.balance, o.chosen = ByAddress, true
	}
	o.groupShared = o.balance == ByAddress && len(g.loops) > 1
	return nil
}

// listen makes the sockets, calls build to make a part for each socket, and attaches the parts to
// the loops.
func (g *Group) listen(n netaddr.Network, addr string, o *sockOptions,
	build func(netaddr.Binding, []inheritedSocket) ([]sharedPart, error)) (*GroupListener, error) {
	b, err := binding(g.k, n, addr)
	if err != nil {
		return nil, err
	}
	if b.Group { // each of several sockets would receive every datagram
		o.groupShared, o.balance = false, RoundRobin
	}
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	socks, err := g.bind(n, b, o)
	if err != nil {
		return nil, err
	}
	parts, err := build(b, socks)
	if err != nil {
		return nil, err
	}
	l := &GroupListener{g: g}
	if at, e := g.k.LocalAddr(socks[0].fd); e == 0 {
		l.addr = netaddr.NetAddr(g.k, at, !n.Stream())
	}
	g.mu.Lock()
	first := 0
	if !o.groupShared {
		first, g.acceptor = g.acceptor, (g.acceptor+1)%len(g.loops)
	}
	g.mu.Unlock()
	for i, p := range parts {
		s := &sharedSocket{l: l, part: p, r: g.loops[(first+i)%len(g.loops)]}
		l.parts = append(l.parts, s)
		switch p := p.(type) {
		case *distributor:
			p.home = s
		case *packetPart:
			if !o.groupShared && len(g.loops) > 1 {
				p.home = s
			}
		}
	}
	done := 0
	defer func() {
		if done < len(socks) { // there was an error, or user code has not returned
			closeInherited(g.k, socks[min(done+1, len(socks)):])
			_ = l.Close()
		}
	}()
	for i, s := range l.parts {
		if err := s.attach(socks[i].fd); err != nil {
			return nil, err
		}
		done++
	}
	return l, nil
}

// Close ends accepting, or receiving, at the address. Before Run it does so at once. Later each
// loop does so in its next turn. Conns that were accepted stay open. The kernel resets the
// connections in the backlog. A second call does nothing.
func (l *GroupListener) Close() error {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	l.closed = true
	for _, s := range l.parts {
		if !l.g.owned {
			s.close()
		} else {
			s.r.mustPost(s.close) // if the loop has ended, it has closed the socket
		}
	}
	return nil
}
