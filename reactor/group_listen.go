package reactor

import (
	"errors"
	"fmt"
	"net"
	"runtime"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// A Balance is how the connections to one address are divided among a Group's loops.
type Balance int

const (
	// ByAddress: every loop has a socket of its own at the address. The kernel chooses one by a
	// hash of a connection's addresses (SO_REUSEPORT). No connection is handed over, and no loop
	// depends on another. The numbers of connections are random; doc/groups.md says how even they
	// are. It works on Linux, DragonFly and FreeBSD, but not for Unix sockets.
	ByAddress Balance = 1 + iota
	// RoundRobin: one loop accepts all connections and hands them to the loops in turn.
	RoundRobin
	// LeastConns: one loop accepts all connections. It hands each to the loop that has the fewest
	// open connections of this address.
	LeastConns
)

// WithBalance chooses the Balance of Group.Listen. The default is ByAddress if the system has it
// and WithMaxConns is not set. Otherwise the default is RoundRobin. (WithMaxConns needs one loop
// that counts.)
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

// Addr returns the address, with the port that the kernel chose.
func (l *GroupListener) Addr() net.Addr { return l.addr }

// Listen accepts connections on all loops. network, addr and the options are those of
// Reactor.Listen. All loops call accept, also at the same time. A Conn lives on the loop that has
// called accept for it: see Conn.Reactor.
//
// If another program has a socket at the address, Listen returns EADDRINUSE, as with one loop,
// unless both programs set SO_REUSEPORT (WithReusePort).
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
// has a socket of its own at the address. The kernel then chooses by a hash of the addresses, so
// one sender's datagrams stay on one loop. Elsewhere, and for Unix sockets, one loop receives all.
// open returns the handler of a loop's PacketConn, which must not be nil. All loops call it, also
// at the same time; before Run the caller's goroutine does.
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
		return errors.New("ByAddress: WithMaxConns needs one loop that counts: RoundRobin or LeastConns")
	case o.balance == 0 && can && o.maxConns == 0:
		o.balance, o.chosen = ByAddress, true
	case o.balance == 0:
		o.balance = RoundRobin
	}
	o.groupShared = o.balance == ByAddress && len(g.loops) > 1
	return nil
}

// listen binds the sockets, makes a part of each, and attaches these to the loops.
func (g *Group) listen(n netaddr.Network, addr string, o *sockOptions,
	build func(netaddr.Binding, []inheritedSocket) ([]sharedPart, error)) (*GroupListener, error) {
	b, err := binding(g.k, n, addr)
	if err != nil {
		return nil, err
	}
	if b.Group { // each socket at the port would receive each datagram
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
		if done < len(socks) { // an error, or user code that has not returned
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

// Close stops accepting, or receiving, at the address. Before Run it takes effect at once, and
// later in the next turn of each loop. Conns that were accepted stay open. The kernel resets the
// connections in the backlog. A second call does nothing.
func (l *GroupListener) Close() error {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	l.closed = true
	for _, s := range l.parts {
		if !l.g.owned {
			s.close()
		} else {
			s.r.mustPost(s.close) // false: the loop has ended, which has closed the socket
		}
	}
	return nil
}
