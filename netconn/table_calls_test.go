//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/netconn"
)

// errNoMethod is the outcome of a method that the object does not have.
var errNoMethod = errors.New("no such method")

// on calls a method of the interface I, if the object has it.
func on[I any](f func(I) error) func(any) error {
	return func(obj any) error {
		i, ok := obj.(I)
		if !ok {
			return errNoMethod
		}
		return f(i)
	}
}

// failing is a reader and a writer whose calls fail.
type failing struct{}

func (failing) Read([]byte) (int, error)  { return 0, os.ErrInvalid }
func (failing) Write([]byte) (int, error) { return 0, os.ErrInvalid }

var (
	toUDP  = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}
	toUnix = &net.UnixAddr{Name: "/nonesuch", Net: "unixgram"}
)

// sends calls a method that sends a datagram to an address.
func sends(call func(c net.PacketConn, to net.Addr) error, to net.Addr) func(any) error {
	return on(func(c net.PacketConn) error { return call(c, to) })
}

func sendTo(c net.PacketConn, to net.Addr) error { return count(c.WriteTo([]byte("x"), to)) }

// tableCalls contains all methods. A method with arguments is in the table several times.
var tableCalls = map[string]func(any) error{
	"Read":                 on(func(c net.Conn) error { return counted(c.Read(make([]byte, 1))) }),
	"Read nothing":         on(func(c net.Conn) error { return count(c.Read(nil)) }),
	"Write":                on(func(c net.Conn) error { return counted(c.Write([]byte("x"))) }),
	"Write nothing":        on(func(c net.Conn) error { return count(c.Write(nil)) }),
	"Write too long":       on(func(c net.PacketConn) error { return count(c.(net.Conn).Write(make([]byte, 70_000))) }),
	"Close":                on(func(c io.Closer) error { return c.Close() }),
	"SetDeadline":          on(func(c interface{ SetDeadline(time.Time) error }) error { return c.SetDeadline(time.Time{}) }),
	"SetReadDeadline":      on(func(c net.Conn) error { return c.SetReadDeadline(time.Now()) }),
	"SetWriteDeadline":     on(func(c net.Conn) error { return c.SetWriteDeadline(time.Now()) }),
	"CloseRead":            on(func(c interface{ CloseRead() error }) error { return c.CloseRead() }),
	"CloseWrite":           on(func(c interface{ CloseWrite() error }) error { return c.CloseWrite() }),
	"ReadFrom(r)":          on(func(c io.ReaderFrom) error { return count64(c.ReadFrom(strings.NewReader("x"))) }),
	"ReadFrom a failing r": on(func(c io.ReaderFrom) error { return count64(c.ReadFrom(failing{})) }),
	"ReadFrom a file": on(func(c io.ReaderFrom) error {
		f, err := os.Open("doc.go")
		if err != nil {
			return err
		}
		defer f.Close()
		return count64(c.ReadFrom(f))
	}),
	"WriteTo(w)": on(func(c io.WriterTo) error { return count64(c.WriteTo(failing{})) }),
	"ReadFrom(p)": on(func(c net.PacketConn) error {
		n, a, err := c.ReadFrom(make([]byte, 1))
		return errors.Join(results(n), results(a), err)
	}),
	"WriteTo UDP":             sends(sendTo, toUDP),
	"WriteTo UDP, port 70000": sends(sendTo, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 70_000}),
	"WriteTo UDP, port -1":    sends(sendTo, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: -1}),
	"WriteTo UDP, IPv6":       sends(sendTo, &net.UDPAddr{IP: net.IPv6loopback, Port: 9}),
	"WriteTo UDP, zone":       sends(sendTo, &net.UDPAddr{IP: net.IPv6loopback, Port: 9, Zone: "nonesuch"}),
	"WriteTo UDP, 3 bytes":    sends(sendTo, &net.UDPAddr{IP: net.IP{1, 2, 3}, Port: 9}),
	"WriteTo nil UDP":         sends(sendTo, (*net.UDPAddr)(nil)),
	"WriteTo Unix":            sends(sendTo, toUnix),
	"WriteTo Unix stream":     sends(sendTo, &net.UnixAddr{Name: "/nonesuch", Net: "unix"}),
	"WriteTo nil Unix":        sends(sendTo, (*net.UnixAddr)(nil)),
	"WriteTo nil":             sends(sendTo, nil),
	"WriteTo TCP":             sends(sendTo, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}),
	"WriteTo too long": sends(func(c net.PacketConn, to net.Addr) error {
		return count(c.WriteTo(make([]byte, 70_000), to))
	}, toUDP),
	"WriteToUDPAddrPort": on(func(c interface {
		WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
	}) error {
		return count(c.WriteToUDPAddrPort([]byte("x"), netip.AddrPort{}))
	}),
	"WriteToUDPAddrPort IPv6": on(func(c interface {
		WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
	}) error {
		return count(c.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("[2001:db8::1%nonesuch]:9")))
	}),
	"ReadMsgUDP": on(func(c interface {
		ReadMsgUDP(p, oob []byte) (int, int, int, *net.UDPAddr, error)
	}) error {
		n, oobn, flags, a, err := c.ReadMsgUDP(make([]byte, 1), make([]byte, 100))
		return errors.Join(results(n, oobn, flags), results(a), err)
	}),
	"WriteMsgUDP":             on(writesMsg(nil, nil)),
	"WriteMsgUDP to":          on(writesMsg(nil, toUDP)),
	"WriteMsgUDP port 70000":  on(writesMsg(nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 70_000})),
	"WriteMsgUDP IPv6":        on(writesMsg(nil, &net.UDPAddr{IP: net.IPv6loopback, Port: 9})),
	"WriteMsgUDP invalid oob": on(writesMsg(make([]byte, 100), toUDP)),
	"ReadMsgUnix": on(func(c interface {
		ReadMsgUnix(p, oob []byte) (int, int, int, *net.UnixAddr, error)
	}) error {
		n, oobn, flags, a, err := c.ReadMsgUnix(make([]byte, 1), make([]byte, 100))
		return errors.Join(results(n, oobn, flags), results(a), err)
	}),
	"WriteMsgUnix":        on(writesMsgUnix(nil, nil)),
	"WriteMsgUnix to":     on(writesMsgUnix(nil, toUnix)),
	"WriteMsgUnix stream": on(writesMsgUnix(nil, &net.UnixAddr{Name: "/nonesuch", Net: "unix"})),
	"SetReadBuffer":       on(func(c interface{ SetReadBuffer(int) error }) error { return c.SetReadBuffer(4096) }),
	"SetReadBuffer huge":  on(func(c interface{ SetReadBuffer(int) error }) error { return c.SetReadBuffer(-1) }),
	"SetWriteBuffer":      on(func(c interface{ SetWriteBuffer(int) error }) error { return c.SetWriteBuffer(4096) }),
	"SetNoDelay":          on(func(c interface{ SetNoDelay(bool) error }) error { return c.SetNoDelay(false) }),
	"SetLinger":           on(func(c interface{ SetLinger(int) error }) error { return c.SetLinger(0) }),
	"SetKeepAlive":        on(func(c interface{ SetKeepAlive(bool) error }) error { return c.SetKeepAlive(false) }),
	"SetKeepAlivePeriod": on(func(c interface{ SetKeepAlivePeriod(time.Duration) error }) error {
		return c.SetKeepAlivePeriod(time.Second)
	}),
	"SetKeepAlivePeriod 0": on(func(c interface{ SetKeepAlivePeriod(time.Duration) error }) error { return c.SetKeepAlivePeriod(0) }),
	"SetKeepAlivePeriod too long": on(func(c interface{ SetKeepAlivePeriod(time.Duration) error }) error {
		return c.SetKeepAlivePeriod(1e6 * time.Second)
	}),
	"SetKeepAliveConfig": on(func(c interface {
		SetKeepAliveConfig(net.KeepAliveConfig) error
	}) error {
		return c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: 1, Count: 3})
	}),
	"SetKeepAliveConfig, count 1000": on(func(c interface {
		SetKeepAliveConfig(net.KeepAliveConfig) error
	}) error {
		return c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Count: 1000})
	}),
	"SetWriteBuffer huge": on(func(c interface{ SetWriteBuffer(int) error }) error { return c.SetWriteBuffer(-1) }),
	"File": on(func(c interface{ File() (*os.File, error) }) error {
		f, err := c.File()
		if err == nil {
			f.Close()
		}
		return err
	}),
	"SetUnlinkOnClose": on(func(c interface { // UnixConn has this method; net.UnixConn has not
		net.Listener
		SetUnlinkOnClose(bool)
	}) error {
		c.SetUnlinkOnClose(true)
		return nil
	}),
	"LocalAddr":  on(func(c interface{ LocalAddr() net.Addr }) error { return results(c.LocalAddr()) }),
	"RemoteAddr": on(func(c interface{ RemoteAddr() net.Addr }) error { return results(c.RemoteAddr()) }),
	"Addr":       on(func(l net.Listener) error { return results(l.Addr()) }),
	"ReadFromUDP": on(func(c interface {
		ReadFromUDP([]byte) (int, *net.UDPAddr, error)
	}) error {
		n, a, err := c.ReadFromUDP(make([]byte, 1))
		return errors.Join(results(n), results(a), err)
	}),
	"ReadFromUDPAddrPort": on(func(c interface {
		ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error)
	}) error {
		n, a, err := c.ReadFromUDPAddrPort(make([]byte, 1))
		return errors.Join(results(n), results(a), err)
	}),
	"ReadMsgUDPAddrPort": on(func(c interface {
		ReadMsgUDPAddrPort(p, oob []byte) (int, int, int, netip.AddrPort, error)
	}) error {
		n, oobn, flags, a, err := c.ReadMsgUDPAddrPort(make([]byte, 1), make([]byte, 100))
		return errors.Join(results(n, oobn, flags), results(a), err)
	}),
	"ReadFromUnix": on(func(c interface {
		ReadFromUnix([]byte) (int, *net.UnixAddr, error)
	}) error {
		n, a, err := c.ReadFromUnix(make([]byte, 1))
		return errors.Join(results(n), results(a), err)
	}),
	"WriteToUDP":      on(func(c udpSender) error { return count(c.WriteToUDP([]byte("x"), toUDP)) }),
	"WriteToUDP nil":  on(func(c udpSender) error { return count(c.WriteToUDP([]byte("x"), nil)) }),
	"WriteToUnix":     on(func(c unixSender) error { return count(c.WriteToUnix([]byte("x"), toUnix)) }),
	"WriteToUnix nil": on(func(c unixSender) error { return count(c.WriteToUnix([]byte("x"), nil)) }),
	"WriteMsgUDPAddrPort": on(func(c interface {
		WriteMsgUDPAddrPort(p, oob []byte, a netip.AddrPort) (int, int, error)
	}) error {
		n, oobn, err := c.WriteMsgUDPAddrPort([]byte("x"), nil, toUDP.AddrPort())
		return errors.Join(results(n, oobn), err)
	}),
	"WriteMsgUDP long oob":   on(writesMsg(make([]byte, 1<<20), toUDP)),
	"WriteMsgUnix long oob":  on(writesMsgUnix(make([]byte, 1<<20), toUnix)),
	"WriteMsgUnix wrong oob": on(writesMsgUnix([]byte{1}, nil)),
	"AcceptTCP":              either(accepts((*net.TCPListener).AcceptTCP), accepts((*netconn.Listener).AcceptTCP)),
	"AcceptUnix":             either(accepts((*net.UnixListener).AcceptUnix), accepts((*netconn.UnixListener).AcceptUnix)),
	"SyscallConn":            on(func(c syscall.Conn) error { _, err := c.SyscallConn(); return err }),
	"RawConn.Control": on(func(c syscall.Conn) error {
		return rawOf(c).Control(func(uintptr) {})
	}),
	"RawConn.Read":  on(func(c syscall.Conn) error { return rawOf(c).Read(func(uintptr) bool { return true }) }),
	"RawConn.Write": on(func(c syscall.Conn) error { return rawOf(c).Write(func(uintptr) bool { return true }) }),
	"Accept":        on(func(l net.Listener) error { return second(l.Accept()) }),
}

type udpMessages interface {
	WriteMsgUDP(p, oob []byte, to *net.UDPAddr) (int, int, error)
}

func writesMsg(oob []byte, to *net.UDPAddr) func(c udpMessages) error {
	return func(c udpMessages) error {
		_, _, err := c.WriteMsgUDP([]byte("x"), oob, to)
		return err
	}
}

type unixMessages interface {
	WriteMsgUnix(p, oob []byte, to *net.UnixAddr) (int, int, error)
}

func writesMsgUnix(oob []byte, to *net.UnixAddr) func(c unixMessages) error {
	return func(c unixMessages) error {
		_, _, err := c.WriteMsgUnix([]byte("x"), oob, to)
		return err
	}
}

func rawOf(c syscall.Conn) syscall.RawConn {
	rc, err := c.SyscallConn()
	if err != nil {
		return noRaw{err}
	}
	return rc
}

// noRaw is a RawConn whose calls return the error of SyscallConn.
type noRaw struct{ err error }

func (r noRaw) Control(func(uintptr)) error    { return r.err }
func (r noRaw) Read(func(uintptr) bool) error  { return r.err }
func (r noRaw) Write(func(uintptr) bool) error { return r.err }

func count64(_ int64, err error) error { return err }

type udpSender interface {
	WriteToUDP([]byte, *net.UDPAddr) (int, error)
}

type unixSender interface {
	WriteToUnix([]byte, *net.UnixAddr) (int, error)
}

// values is an error that contains results, so that they are compared like errors.
type values string

func (v values) Error() string { return string(v) }

// results packs results into an error, so that they are compared too.
func results(v ...any) error {
	if len(v) == 1 {
		if a, ok := v[0].(net.Addr); ok {
			return values(addrShown(a))
		}
	}
	return values(fmt.Sprint(v...))
}

// accepts calls a method of the listener L, such as AcceptTCP. It does not look the method up by
// name, because then the linker would keep all exported methods of all types.
func accepts[L, C any](accept func(L) (C, error)) func(any) error {
	return on(func(l L) error { return second(accept(l)) })
}

// either calls the method of package net, or the method of package netconn, whose results have
// another type.
func either(of, ours func(any) error) func(any) error {
	return func(obj any) error {
		if err := of(obj); err != errNoMethod {
			return err
		}
		return ours(obj)
	}
}

// counted adds the number of bytes to an error, so that it is compared too.
func counted(n int, err error) error { return errors.Join(results(n), err) }
