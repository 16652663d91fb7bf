package reactor

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"go.uber.org/zap"

	"github.com/ureactor/ureactor/internal/kernel"
)

// lingerZero is a struct linger {1, 0}: close discards and resets.
var lingerZero = func() []byte {
	v := [2]int32{1, 0}
	return append([]byte(nil), (*[8]byte)(unsafe.Pointer(&v))[:]...)
}()

// socketOptions is what Listen, Dial and ListenPacket find out first.
func (r *Reactor) socketOptions(op, name string, stream bool, opts []SocketOption) (n network, o *sockOptions, err error) {
	if r.draining {
		return n, nil, ErrClosed
	}
	n, o, err = readOptions(r.k, op, name, stream, opts)
	if err == nil && o.balance != 0 {
		err = errors.New("WithBalance is for a Group")
	}
	return n, o, err
}

func readOptions(k Kernel, op, name string, stream bool, opts []SocketOption) (n network, o *sockOptions, err error) {
	if o, err = newSockOptions(op, opts); err != nil {
		return n, nil, err
	}
	if n, err = findNetwork(name, stream); err != nil {
		return n, nil, err
	}
	o.tcp = n.ip != "" && stream
	// A read of TCP that comes up short has taken all there was. A Unix socket's stops at a message with descriptors,
	// another kernel's may stop anywhere.
	o.edge = o.tcp && kernel.TakesAll(k)
	return n, o, nil
}

// socketFile is the file that binding to the address makes; "" if there is none.
func socketFile(a Addr) string {
	if a.Family != kernel.AF_UNIX || a.Path == "" || a.Path[0] == '@' || a.Path[0] == 0 {
		return ""
	}
	return a.Path
}

// unlink removes a socket's file, if it has one.
func (r *Reactor) unlink(path string) {
	if path == "" {
		return
	}
	if e := r.k.Unlink(path); e != 0 && e != kernel.ENOENT {
		r.log.Warn("cannot remove the socket file", zap.String("path", path), zap.Error(e))
	}
}

// bindSocket makes a socket that is bound to the address, with the options that come before that.
func (r *Reactor) bindSocket(n network, a Addr, dual bool, o *sockOptions) (fd int, err error) {
	return bindSocket(r.k, n, a, dual, o, func(fd int) error { return r.control(fd, o) })
}

func bindSocket(k Kernel, n network, a Addr, dual bool, o *sockOptions, control func(fd int) error) (fd int, err error) {
	fd, e := k.Socket(a.Family, n.typ, 0)
	if e == kernel.EAFNOSUPPORT && dual { // a host without IPv6
		a = Addr{Family: kernel.AF_INET, Port: a.Port}
		dual = false
		fd, e = k.Socket(a.Family, n.typ, 0)
	}
	if e != 0 {
		return -1, callError("socket", e)
	}
	if err = prepare(k, fd, n, a, dual, o); err == nil {
		err = control(fd)
	}
	if err == nil {
		if e := k.Bind(fd, a); e != 0 {
			err = callError("bind", e)
		}
	}
	if err != nil {
		k.Close(fd)
		return -1, err
	}
	return fd, nil
}

func prepare(k Kernel, fd int, n network, a Addr, dual bool, o *sockOptions) error {
	set := func(level, name, v int, what string) error {
		if e := k.SetOpt(fd, level, name, v); e != 0 {
			return callError("setsockopt "+what, e)
		}
		return nil
	}
	if a.Family == kernel.AF_INET6 {
		if err := set(kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, btoi(!dual), "IPV6_V6ONLY"); err != nil {
			return err
		}
	}
	if n.stream && n.ip != "" { // a listener: not kept from its port by connections that linger in TIME_WAIT
		if err := set(kernel.SOL_SOCKET, kernel.SO_REUSEADDR, 1, "SO_REUSEADDR"); err != nil {
			return err
		}
	}
	if o.reusePort {
		if err := set(kernel.SOL_SOCKET, kernel.SO_REUSEPORT, 1, "SO_REUSEPORT"); err != nil {
			return err
		}
	}
	if o.share {
		if err := set(kernel.SOL_SOCKET, kernel.SO_BALANCE, 1, "to share the port"); err != nil {
			return err
		}
	}
	if n.stream && n.ip != "" {
		return tcpOptions(k, fd, o)
	}
	return nil
}

// tcpOptions are for every TCP connection. On a listener they are set once where accepted sockets inherit them.
func tcpOptions(k Kernel, fd int, o *sockOptions) error {
	if !o.delay {
		if e := k.SetOpt(fd, kernel.IPPROTO_TCP, kernel.TCP_NODELAY, 1); e != 0 {
			return callError("setsockopt TCP_NODELAY", e)
		}
	}
	if o.keepAlive > 0 {
		return setKeepAlive(k, fd, o.keepAlive)
	}
	return nil
}

// control calls the function of WithControl; an isolated panic in it is its error.
func (r *Reactor) control(fd int, o *sockOptions) (err error) {
	if o.control == nil {
		return nil
	}
	if r.opt.onPanic == nil {
		err = o.control(fd)
	} else if p := protect(func() { err = o.control(fd) }); p != nil {
		r.count.Panics++
		r.opt.onPanic(nil, p.Value, p.Stack)
		err = p
	}
	if err != nil {
		return fmt.Errorf("WithControl: %w", err)
	}
	return nil
}

// setKeepAlive turns probing on, with the interval where the system has one, or off.
func setKeepAlive(k Kernel, fd int, d time.Duration) error {
	if d != 0 && (d < time.Second || d > keepAliveMax) {
		return fmt.Errorf("reactor: keep-alive %v: must be 0 (off) or 1s … %v", d, keepAliveMax)
	}
	if e := k.SetOpt(fd, kernel.SOL_SOCKET, kernel.SO_KEEPALIVE, btoi(d > 0)); e != 0 {
		return callError("setsockopt SO_KEEPALIVE", e)
	}
	if d == 0 {
		return nil
	}
	secs := int((d + time.Second - 1) / time.Second)
	for _, name := range []int{kernel.TCP_KEEPIDLE, kernel.TCP_KEEPINTVL} {
		if name == 0 { // OpenBSD: the system's interval
			continue
		}
		if e := k.SetOpt(fd, kernel.IPPROTO_TCP, name, secs); e != 0 {
			return callError("setsockopt keep-alive interval", e)
		}
	}
	return nil
}
