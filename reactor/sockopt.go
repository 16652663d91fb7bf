package reactor

import (
	"errors"
	"fmt"
	"net"
	"time"
	"unsafe"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// lingerZero is a struct linger {1, 0}. With it, close discards the output and sends RST.
var lingerZero = func() []byte {
	v := [2]int32{1, 0}
	return append([]byte(nil), (*[8]byte)(unsafe.Pointer(&v))[:]...)
}()

// socketOptions is the common beginning of Listen, Dial and ListenPacket. It checks the network and
// the options.
func (r *Reactor) socketOptions(op, name string, stream bool, set func(*sockOptions) error) (n netaddr.Network, o *sockOptions, err error) {
	if r.draining {
		return n, nil, ErrClosed
	}
	n, o, err = readOptions(r.k, op, name, stream, set)
	if err == nil && o.balance != 0 {
		err = errors.New("WithBalance is for a Group")
	}
	return n, o, err
}

func readOptions(k Kernel, op, name string, stream bool, set func(*sockOptions) error) (n netaddr.Network, o *sockOptions, err error) {
	if o, err = newSockOptions(op, set); err != nil {
		return n, nil, err
	}
	if n, err = findNetwork(name, stream); err != nil {
		return n, nil, err
	}
	o.tcp = n.TCP()
	// A short read of TCP has emptied the socket. A read of a Unix socket stops where descriptors
	// were passed. On a simulated kernel any read may be short.
	o.edge = o.tcp && kernel.ReadsFully(k)
	return n, o, nil
}

// closeSocket closes a socket and removes the file of the socket, if there is one. If a process
// seems to have the socket, the decision needs a wait, which must not delay the loop.
func (r *Reactor) closeSocket(fd int, f netaddr.File) kernel.Errno {
	closed, removed, used := f.CloseSocket(r.k, fd)
	if used {
		r.removals.Add(1)
		r.k.Go(func() {
			defer r.removals.Done()
			r.logRemoved(f, f.RemoveUnused(r.k))
		})
		return closed
	}
	r.logRemoved(f, removed)
	return closed
}

func (r *Reactor) logRemoved(f netaddr.File, e kernel.Errno) {
	if e != 0 {
		r.log.Warn("cannot remove the socket file", zaplog.String("path", f.Path()), zaplog.Error(e))
	}
}

// bindSocket makes a socket, sets the options that must be set before bind, and binds the socket to
// the address.
func (r *Reactor) bindSocket(n netaddr.Network, b netaddr.Binding, o *sockOptions) (fd int, err error) {
	return bindSocket(r.k, n, b, o, func(fd int) error { return r.control(fd, o) })
}

func bindSocket(k Kernel, n netaddr.Network, b netaddr.Binding, o *sockOptions, control func(fd int) error) (fd int, err error) {
	if !n.UDP() || b.Addr.Port != 0 || !o.reusePort && !o.groupShared {
		return bindOne(k, n, b, o, control)
	}
	for range anyPortTries {
		at := b
		if at.Addr.Port, err = freePort(k, n, b, o, control); err != nil {
			return -1, err
		}
		if fd, err = bindOne(k, n, at, o, control); !errors.Is(err, kernel.EADDRINUSE) {
			break
		}
	}
	return fd, err
}

// anyPortTries is how often bindSocket chooses another port, if another program has meanwhile bound
// the chosen one. After that it returns the error.
const anyPortTries = 16

// freePort returns a UDP port that no socket uses. It is needed for sockets with SO_REUSEPORT. For
// port 0 Linux may choose a port in use. It does if the sockets at that port belong to the same
// user and have SO_REUSEPORT too.
func freePort(k Kernel, n netaddr.Network, b netaddr.Binding, o *sockOptions, control func(fd int) error) (uint16, error) {
	alone := *o
	alone.groupShared, alone.reusePort = false, false
	fd, err := bindOne(k, n, b, &alone, control)
	if err != nil {
		return 0, err
	}
	at, e := k.LocalAddr(fd)
	k.Close(fd)
	if e != 0 {
		return 0, callError("getsockname", e)
	}
	return at.Port, nil
}

func bindOne(k Kernel, n netaddr.Network, b netaddr.Binding, o *sockOptions, control func(fd int) error) (fd int, err error) {
	fd, e := k.Socket(b.Addr.Family, n.Type, 0)
	if four, ok := b.Fallback(e); ok {
		b = four
		fd, e = k.Socket(b.Addr.Family, n.Type, 0)
	}
	if e != 0 {
		return -1, callError("socket", e)
	}
	bound, mine := false, fd
	defer func() {
		if !bound { // deferred, because control is user code and may not return
			k.Close(mine)
		}
	}()
	if err = prepare(k, fd, n, b, o); err == nil {
		err = control(fd)
	}
	if err == nil {
		if e := k.Bind(fd, b.Addr); e != 0 {
			err = callError("bind", e)
		}
	}
	if err != nil {
		return -1, err
	}
	bound = true
	return fd, nil
}

// setter returns a function that sets an option of the descriptor.
func setter(k Kernel, fd int) netaddr.Setter {
	return func(level, name, v int, what string) error {
		if e := k.SetOpt(fd, level, name, v); e != 0 {
			return callError("setsockopt "+what, e)
		}
		return nil
	}
}

func prepare(k Kernel, fd int, n netaddr.Network, b netaddr.Binding, o *sockOptions) error {
	set := setter(k, fd)
	if err := b.Options(n, set, getter(k, fd)); err != nil {
		return err
	}
	if o.reusePort {
		if err := set(kernel.SOL_SOCKET, kernel.SO_REUSEPORT, 1, "SO_REUSEPORT"); err != nil {
			return err
		}
	}
	if o.groupShared {
		if err := set(kernel.SOL_SOCKET, kernel.SO_BALANCE, 1, "to share the port"); err != nil {
			return err
		}
	}
	if n.TCP() {
		tcpOptions(k, fd, o)
	}
	return nil
}

// getter returns a function that reads an option of the descriptor.
func getter(k Kernel, fd int) netaddr.Getter {
	return func(level, name int) (int, error) {
		v, e := k.GetOpt(fd, level, name)
		if e != 0 {
			return 0, callError("getsockopt", e)
		}
		return v, nil
	}
}

// tcpOptions sets the options of TCP, and ignores errors. If accepted sockets inherit the options,
// they are set once, on the listener.
func tcpOptions(k Kernel, fd int, o *sockOptions) {
	set := setter(k, fd)
	if !o.delay {
		netaddr.Trying(set)(kernel.IPPROTO_TCP, kernel.TCP_NODELAY, 1)
	}
	if o.keepAlive.Enable {
		_ = netaddr.KeepAlive(o.keepAlive, set) // WithKeepAlive has checked the values
	}
	if o.userTimeout > 0 {
		netaddr.Trying(set)(kernel.IPPROTO_TCP, kernel.TCP_USER_TIMEOUT, int(o.userTimeout/time.Millisecond))
	}
}

// everyKeepAlive returns a configuration with a probe after the time d and after each further d. If
// d is 0, there are no probes.
func everyKeepAlive(d time.Duration) net.KeepAliveConfig {
	if d == 0 {
		return net.KeepAliveConfig{Idle: -1, Interval: -1, Count: -1}
	}
	return net.KeepAliveConfig{Enable: true, Idle: d, Interval: d, Count: -1}
}

// control calls the function of WithControl. If it panics and the panic is isolated, control
// returns the *PanicError.
func (r *Reactor) control(fd int, o *sockOptions) (err error) {
	if o.control == nil {
		return nil
	}
	if p := r.guard(nil, func() { err = o.control(fd) }); p != nil {
		err = p
	}
	if err != nil {
		return fmt.Errorf("WithControl: %w", err)
	}
	return nil
}

// setKeepAlive turns probes on or off. It sets the interval if the system has that option.
func setKeepAlive(k Kernel, fd int, d time.Duration) error {
	if d != 0 && (d < time.Second || d > keepAliveMax) {
		return fmt.Errorf("reactor: keep-alive %v: must be 0 (off) or 1s … %v", d, keepAliveMax)
	}
	return netaddr.KeepAlive(everyKeepAlive(d), setter(k, fd))
}
