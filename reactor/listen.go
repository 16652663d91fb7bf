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
	// pause is how long a socket is suspended after an error that the next call would probably
	// return too: no descriptor is free, no memory is free, or a sandbox forbids the call. So there
	// are at most ten tries a second.
	pause = 100 * time.Millisecond
	// vainMost is how many calls in a row may fail, or find nothing after an Event. One such error
	// usually concerns one peer. After vainMost of them in a row, the socket is suspended.
	vainMost = 64
)

// A Listener accepts connections on the loop.
type Listener struct {
	w            Watch
	accept       func(*Conn) Handler
	opt          *sockOptions
	net          netaddr.Network
	addr         net.Addr
	file         netaddr.File // the file of a Unix socket, which Close removes
	distributor  *distributor // chooses a loop for each connection; nil: its own loop
	conns        int          // open Conns that the Listener has accepted; not used with a distributor
	suspendTimer *Timer       // armed while the Listener is suspended
	failures     int          // how many accepts in a row have got no connection
	suspended    bool         // no accept has succeeded since the last pause
	cause        kernel.Errno // the error that has caused the last pause
	queued       int          // queueLength before the first accept after a pause
	others       []*Listener  // other sockets that were passed for the same address
	single       bool         // the last Event has brought only one connection
	paused       bool         // Pause was called
	closed       bool
	counted      bool // Stats.Paused counts it
	given        bool // closed, and another loop has the descriptor
}

// Listen accepts connections. network is tcp, tcp4, tcp6 or unix. addr is host:port, or the path of
// a Unix socket. On Linux, "@name" is a Unix socket without a file. Port 0 means any free port: see
// Addr. An empty host means the wildcard address, for tcp that of both IPv4 and IPv6. Listen looks
// up a host name at once, which may block.
//
// accept returns the handler of a new Conn. If it returns nil, the Conn is refused. accept may set
// timeouts and call Send. An error of accept(2) does not end the Listener. If no descriptor or no
// memory is free, it pauses for 100 ms at a time.
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
		return nil, fmt.Errorf("WithMaxConns needs one socket, and %d were passed", len(more)+1)
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
		err = fmt.Errorf("%d sockets were passed for this address: listen with a Group, or once for each family", len(more)+1)
	}
	return s, err
}

// listenOn makes a bound socket listen. If that fails, it closes the socket.
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

// attach begins to accept on the loop. The Listener then owns the descriptor, even if attach
// returns an error.
func (l *Listener) attach(r *Reactor, fd int) error {
	l.w.open(r, fd, l)
	r.listeners++
	if err := l.w.set(poller.In); err != nil {
		l.Close()
		return err
	}
	return nil
}

// Addr returns the address of the Listener, with the port that the kernel has chosen.
func (l *Listener) Addr() net.Addr { return l.addr }

// Pause stops accepting until Resume. Conns that were accepted stay open. New connections wait in
// the backlog. When the backlog is full, the kernel refuses or ignores further ones.
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

// Resume ends a Pause. The connections in the backlog are accepted first. If the Listener is full
// (WithMaxConns), or suspended after an error, it accepts as soon as it is neither. If Resume
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

// accepts sets whether the kernel reports connections. Stats counts Listeners that accept none.
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

// Close ends accepting. Conns that were accepted stay open. The kernel resets the connections in
// the backlog. A second call does nothing.
func (l *Listener) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	for _, o := range l.others {
		_ = o.Close() // the loop has the descriptor, so its close is no concern of the caller
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

// detachFD ends the registration. It returns the descriptor, so that another loop can attach it.
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

// discard closes a bound socket that is not used.
func discard(k Kernel, fd int, file netaddr.File) {
	// After an error the file stays; the next Listen then fails with the file's name.
	if _, _, used := file.CloseSocket(k, fd); used {
		k.Go(func() { file.RemoveUnused(k) })
	}
}
