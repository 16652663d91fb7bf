package reactor

import (
	"fmt"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/poller"
)

const (
	// pause is how long a socket stays suspended after an error that the next call would return
	// too. So there are at most ten tries a second. Such errors are: no descriptors, no memory, a
	// call that a sandbox forbids.
	pause = 100 * time.Millisecond
	// vainMost is how many calls in a row may fail or find nothing after an Event. One such error
	// usually concerns one peer. After vainMost of them in a row, they count as an error of the
	// socket itself.
	vainMost = 64
)

// A Listener accepts connections on the loop.
type Listener struct {
	w            Watch
	accept       func(*Conn) Handler
	opt          *sockOptions
	net          netaddr.Network
	addr         net.Addr
	file         netaddr.File // of a Unix socket; removed at Close
	distributor  *distributor // chooses a loop for each connection; nil: its own loop
	conns        int          // open Conns that it accepted; a distributor counts instead
	suspendTimer *Timer       // runs while the Listener is suspended
	failures     int          // accepts in a row that got nothing
	suspended    bool         // since its last pause no accept has succeeded
	cause        kernel.Errno // the error that caused that pause
	queued       int          // queueLength before the first accept after a pause
	others       []*Listener  // further sockets that were passed for its address
	single       bool         // the last Event brought one connection and no more
	paused       bool         // by Pause
	closed       bool
	counted      bool // in Stats.Paused
	given        bool // closed, because another loop has the descriptor
}

// Listen accepts connections. network is tcp, tcp4, tcp6 or unix. addr is host:port or a path (on
// Linux "@name" is one without a file). Port 0 means any port: see Addr. An empty host means the
// wildcard address, with tcp that of both IPv4 and IPv6. Listen looks up a host name at once, which
// may block.
//
// accept returns the handler of a new Conn, or nil to refuse the Conn. accept may already set
// timeouts and call Send. Errors of accept(2) never stop a Listener: without descriptors or memory
// it pauses for 100 ms at a time.
func (r *Reactor) Listen(network, addr string, accept func(*Conn) Handler, opts ...ListenOption) (*Listener, error) {
	if accept == nil {
		panic("reactor: Listen with a nil accept function")
	}
	l, err := r.listen(network, addr, accept, opts)
	if err != nil {
		return nil, opError("listen", network, addr, err)
	}
	return l, nil
}

func (r *Reactor) listen(network, addr string, accept func(*Conn) Handler, opts []ListenOption) (*Listener, error) {
	n, o, err := r.socketOptions("listen", network, true, eachOption(opts, ListenOption.forListen))
	if err != nil {
		return nil, err
	}
	b, err := binding(r.k, n, addr)
	if err != nil {
		return nil, err
	}
	s, more, err := o.socket(r.k, n, b, func() (int, error) { return r.bindSocket(n, b, o) })
	if err != nil {
		return nil, err
	}
	if len(more) > 0 && o.maxConns > 0 {
		closeInherited(r.k, append(more, s))
		return nil, fmt.Errorf("WithMaxConns counts at one socket, and %d were passed", len(more)+1)
	}
	var l *Listener
	for i, s := range append([]inheritedSocket{s}, more...) {
		at, err := listenOn(r.k, s, o)
		part := &Listener{opt: o, net: n, addr: at, file: s.file, accept: accept}
		if err == nil {
			err = part.attach(r, s.fd)
		}
		if err != nil {
			closeInherited(r.k, more[i:])
			if l != nil {
				_ = l.Close()
			}
			return nil, err
		}
		if l == nil {
			l = part
		} else {
			l.others = append(l.others, part)
		}
	}
	return l, nil
}

// one returns the socket for the address: the one that was passed, or a new one.
func (r *Reactor) one(n netaddr.Network, b netaddr.Binding, o *sockOptions) (inheritedSocket, error) {
	s, more, err := o.socket(r.k, n, b, func() (int, error) { return r.bindSocket(n, b, o) })
	if err == nil && len(more) > 0 {
		closeInherited(r.k, append(more, s))
		err = fmt.Errorf("%d sockets were passed for it: only a Group can take them all, or one call for each family", len(more)+1)
	}
	return s, err
}

// listenOn makes a bound socket listen. On error it closes it.
func listenOn(k Kernel, s inheritedSocket, o *sockOptions) (at net.Addr, err error) {
	if e := k.Listen(s.fd, o.backlog); e != 0 {
		discard(k, s.fd, s.file)
		return nil, callError("listen", e)
	}
	if a, e := k.LocalAddr(s.fd); e == 0 {
		at = netaddr.NetAddr(k, a, false)
	}
	return at, nil
}

// attach begins to accept on the loop. The Listener owns the descriptor from here on, also on
// error.
func (l *Listener) attach(r *Reactor, fd int) error {
	l.w.open(r, fd, l)
	r.listeners++
	if err := l.w.set(poller.In); err != nil {
		l.Close()
		return err
	}
	return nil
}

// Addr returns the address that the Listener is bound to, with the port that the kernel chose.
func (l *Listener) Addr() net.Addr { return l.addr }

// Pause stops accepting until Resume; its Conns stay open. Connections that come meanwhile wait in
// the backlog. When that is full, the kernel refuses or ignores more.
func (l *Listener) Pause() error {
	if l.closed {
		return ErrClosed
	}
	for _, o := range l.others {
		if err := o.Pause(); err != nil {
			return err
		}
	}
	l.paused = true
	return l.accepts(0)
}

// Resume accepts again, first what waits in the backlog. If the Listener is full (WithMaxConns) or
// suspended after an error, it accepts as soon as it is neither full nor suspended. If Resume
// returns an error, the Listener stays paused.
func (l *Listener) Resume() error {
	if l.closed {
		return ErrClosed
	}
	for _, o := range l.others {
		if err := o.Resume(); err != nil {
			return err
		}
	}
	if !l.full() && !l.awaitsTimer() {
		if err := l.accepts(poller.In); err != nil {
			return err
		}
	}
	l.paused = false
	return nil
}

// accepts sets whether the kernel reports connections. Stats counts the Listeners that accept none.
func (l *Listener) accepts(want poller.Interest) error {
	err := l.w.set(want)
	l.countPaused(l.w.want == 0)
	return err
}

func (l *Listener) countPaused(paused bool) {
	switch {
	case paused && !l.counted:
		l.w.r.rare().Paused++
	case !paused && l.counted:
		l.w.r.rare().Paused--
	}
	l.counted = paused
}

// drop ends the registration.
func (l *Listener) drop() {
	l.w.drop()
	l.countPaused(false)
	l.w.r.listeners--
}

// Close stops accepting; its Conns stay open. The kernel resets the connections in the backlog. A
// second call does nothing.
func (l *Listener) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	for _, o := range l.others {
		_ = o.Close() // the loop has the descriptor
	}
	r := l.w.r
	if l.suspendTimer != nil {
		l.suspendTimer.Stop()
	}
	l.drop()
	if e := r.closeSocket(int(l.w.fd), l.file); e != 0 {
		return callError("close", e)
	}
	return nil
}

// detachFD ends the registration and keeps the descriptor, for another loop.
func (l *Listener) detachFD() int {
	l.closed, l.given = true, true
	if l.suspendTimer != nil {
		l.suspendTimer.Stop()
	}
	l.drop()
	return int(l.w.fd)
}

func (l *Listener) open(func(func() error) error) error { return nil }

func (l *Listener) discard(k Kernel, fd int) { discard(k, fd, l.file) }

// discard closes a bound socket that is not used after all.
func discard(k Kernel, fd int, file netaddr.File) {
	file.CloseSocket(k, fd) // an error leaves the file, which the next Listen refuses by name
}
