//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// everything returns everything that a program can find out about an error. That is its text and,
// at each level, its type, Op, Net, Source, Addr, Timeout and Temporary. It also lists what
// errors.Is matches. Ports and temporary folders are replaced, because they differ between two
// runs.
func everything(err error) string {
	if err == nil {
		return "nil"
	}
	lines := []string{"text: " + err.Error()}
	for e := err; e != nil; e = errors.Unwrap(e) {
		lines = append(lines, level(e))
	}
	targets := []error{io.EOF, io.ErrUnexpectedEOF, io.ErrShortWrite, net.ErrClosed, net.ErrWriteToConnected, os.ErrDeadlineExceeded,
		os.ErrNoDeadline, fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, errors.ErrUnsupported, context.Canceled,
		context.DeadlineExceeded}
	for n := syscall.Errno(1); n < 134; n++ {
		targets = append(targets, n)
	}
	for _, target := range targets {
		if errors.Is(err, target) {
			lines = append(lines, fmt.Sprintf("is %T %v", target, target))
		}
	}
	return varying.Replace(lines)
}

// level describes one error of a chain.
func level(e error) string {
	text := ""
	if t, ok := e.(interface{ Timeout() bool }); ok {
		text += fmt.Sprint(" timeout ", t.Timeout())
	}
	if t, ok := e.(interface{ Temporary() bool }); ok {
		text += fmt.Sprint(" temporary ", t.Temporary())
	}
	switch e := e.(type) {
	case *net.OpError:
		return fmt.Sprintf("OpError %q %q source %s addr %s%s", e.Op, e.Net, addrShown(e.Source), addrShown(e.Addr), text)
	case *net.AddrError, *net.DNSError, net.UnknownNetworkError, *os.SyscallError, syscall.Errno, *fs.PathError:
		return fmt.Sprintf("%T%s", e, text)
	}
	return "another" + text
}

func addrShown(a net.Addr) string {
	if a == nil {
		return "none"
	}
	name := fmt.Sprintf("%T", a)
	if v := reflect.ValueOf(a); v.Kind() == reflect.Pointer && v.IsNil() {
		return "nil " + name
	}
	if !strings.HasPrefix(name, "*net.") {
		name = "another"
	}
	return fmt.Sprintf("%s %s %s", name, a.Network(), a)
}

type replacer []struct {
	from *regexp.Regexp
	to   string
}

var varying = replacer{
	{regexp.MustCompile(`(127\.0\.0\.1|\[::1?\]|0\.0\.0\.0):[1-9]\d{3,4}\b`), "$1:PORT"},
	{regexp.MustCompile(`(` + regexp.QuoteMeta(os.TempDir()) + `|/dev/shm)/[^\s]*/`), "DIR/"},
	{regexp.MustCompile(`@[0-9a-f]{5}\b`), "@AUTO"},
}

func (r replacer) Replace(lines []string) string {
	text := strings.Join(lines, "\n\t")
	for _, v := range r {
		text = v.from.ReplaceAllString(text, v.to)
	}
	return text
}

// compare fails the test unless a call has the same result on both packages.
func compare(t *testing.T, name string, call func(s stack) error) {
	t.Helper()
	want, got := everything(call(stacks[0])), everything(call(stacks[1]))
	if got != want {
		t.Errorf("%s\nnetconn %s\nnet     %s", name, got, want)
	}
}

// A subject is an object of either package, for the table of calls and situations.
type subject struct {
	name string
	make func(t *testing.T, s stack) (obj any, peer net.Conn)
	// situations lists the situations that are possible for this subject.
	situations []string
}

var subjects = []subject{
	{"TCPConn", func(t *testing.T, s stack) (any, net.Conn) { return ends(t, s, "tcp") }, streamSituations},
	{"accepted TCPConn", accepted, streamSituations},
	{"UnixConn", func(t *testing.T, s stack) (any, net.Conn) { return ends(t, s, "unix") }, streamSituations},
	{"dialled UDPConn", func(t *testing.T, s stack) (any, net.Conn) { return ends(t, s, "udp") }, []string{"data", "deadline", "closed"}},
	{"UDPConn", func(t *testing.T, s stack) (any, net.Conn) { return bound(t, s, "udp", "127.0.0.1:0"), nil }, []string{"deadline", "closed"}},
	{"UDPConn of IPv6", func(t *testing.T, s stack) (any, net.Conn) { return bound(t, s, "udp", "[::1]:0"), nil }, []string{"deadline", "closed"}},
	{"unixgram", func(t *testing.T, s stack) (any, net.Conn) {
		return bound(t, s, "unixgram", free(t, "unixgram")), nil
	}, []string{"deadline", "closed"}},
	{"dialled unixgram", func(t *testing.T, s stack) (any, net.Conn) { return ends(t, s, "unixgram") }, []string{"deadline", "closed"}},
	{"TCPListener", func(t *testing.T, s stack) (any, net.Conn) { return listening(t, s, "tcp", "127.0.0.1:0"), nil }, []string{"deadline", "closed"}},
	{"UnixListener", func(t *testing.T, s stack) (any, net.Conn) { return listening(t, s, "unix", free(t, "unix")), nil }, []string{"deadline", "closed"}},
}

var streamSituations = []string{"open", "data", "deadline", "closed", "peer closed", "reset", "read closed", "write closed"}

// ends returns a connection of s, and its peer, which is a connection of package net.
func ends(t *testing.T, s stack, network string) (any, net.Conn) {
	if network == "udp" || network == "unixgram" {
		address := "127.0.0.1:0"
		if network == "unixgram" {
			address = free(t, network)
		}
		p := bound(t, stacks[0], network, address).(net.Conn)
		c, err := s.dial(network, p.LocalAddr().String())
		must(t, err)
		t.Cleanup(func() { c.Close() })
		return c, p
	}
	address := "127.0.0.1:0"
	if network == "unix" {
		address = free(t, network)
	}
	l := listening(t, stacks[0], network, address)
	c, err := s.dial(network, l.Addr().String())
	must(t, err)
	d, err := l.Accept()
	must(t, err)
	t.Cleanup(func() { c.Close(); d.Close() })
	return c, d
}

func accepted(t *testing.T, s stack) (any, net.Conn) {
	l := listening(t, s, "tcp", "127.0.0.1:0")
	d, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	c, err := l.Accept()
	must(t, err)
	t.Cleanup(func() { c.Close(); d.Close() })
	return c, d
}

func bound(t *testing.T, s stack, network, address string) net.PacketConn {
	c, err := s.listenPacket(network, address)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func listening(t *testing.T, s stack, network, address string) net.Listener {
	l, err := s.listen(network, address)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// into brings an object into a situation.
func into(t *testing.T, situation string, obj any, peer net.Conn) {
	switch situation {
	case "deadline":
		must(t, obj.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Unix(1, 0)))
	case "closed":
		must(t, obj.(io.Closer).Close())
	case "data":
		if to, ok := peer.(net.PacketConn); ok && peer.RemoteAddr() == nil {
			_, err := to.WriteTo([]byte("xyz"), obj.(net.Conn).LocalAddr())
			must(t, err)
			return
		}
		_, err := peer.Write([]byte("xyz"))
		must(t, err)
	case "peer closed":
		peer.Close()
	case "reset":
		if _, err := peer.Write([]byte("x")); err != nil {
			// There is unread input, so a close resets the connection, even with Unix sockets.
			t.Fatal(err)
		}
		if tcp, ok := peer.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		} else {
			_, err := obj.(net.Conn).Write([]byte("x"))
			must(t, err)
		}
		peer.Close()
	case "read closed":
		must(t, obj.(interface{ CloseRead() error }).CloseRead())
	case "write closed":
		must(t, obj.(interface{ CloseWrite() error }).CloseWrite())
	}
	if c, ok := obj.(net.Conn); ok && situation == "reset" {
		c.SetDeadline(time.Now().Add(long))
	}
}

// Every call in every situation has the same outcome as in package net, without exception.
func TestEveryCallInEverySituation(t *testing.T) {
	if !longtest.Default(t, "every call, in both packages") {
		return
	}
	for _, sub := range subjects {
		for _, situation := range sub.situations {
			t.Run(sub.name+"/"+situation, func(t *testing.T) {
				t.Parallel() // it takes some time to end a connection
				for _, name := range slices.Sorted(keysOf(tableCalls)) {
					if (situation == "open" || situation == "write closed") && waits[name] {
						continue
					}
					compare(t, name, func(s stack) error {
						obj, peer := sub.make(t, s)
						into(t, situation, obj, peer)
						return tableCalls[name](obj)
					})
				}
			})
		}
	}
}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// waits lists the calls that would wait without end on an open connection.
var waits = map[string]bool{"Read": true, "WriteTo(w)": true, "ReadFrom(p)": true, "RawConn.Read": true, "Accept": true, "ReadMsgUnix": true,
	"ReadMsgUDP": true, "ReadFromUDP": true, "ReadFromUDPAddrPort": true, "ReadMsgUDPAddrPort": true, "ReadFromUnix": true, "AcceptTCP": true,
	"AcceptUnix": true}
