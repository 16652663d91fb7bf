//go:build unix

package api

import (
	"crypto/x509"
	"net/netip"
	"reflect"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/selfsigned"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

const brief = timeout.Timeout(1e6) // the maximum time that a call may wait

var nowhere = socket.AddrOf(netip.MustParseAddrPort("127.0.0.1:9"))

// made makes a socket whose calls wait at most this time.
func made(t *testing.T, family, typ int, wait timeout.Timeout) *socket.Socket {
	t.Helper()
	s, err := socket.New(family, typ, 0)
	must(t, err)
	must(t, s.SetTimeout(wait))
	return s
}

// joined returns the two ends of a TCP connection.
func joined(t *testing.T, wait timeout.Timeout) (a, b *socket.Socket) {
	t.Helper()
	l := made(t, socket.AF_INET, socket.SOCK_STREAM, 0)
	defer l.Close()
	must(t, l.Bind(socket.Tuple("127.0.0.1", 0)))
	must(t, l.Listen(socket.DefaultBacklog))
	at, err := l.LocalAddr()
	must(t, err)
	a = made(t, socket.AF_INET, socket.SOCK_STREAM, timeout.None)
	must(t, a.Connect(at))
	must(t, l.SetTimeout(timeout.None))
	b, _, err = l.Accept()
	must(t, err)
	must(t, a.SetTimeout(wait))
	must(t, b.SetTimeout(wait))
	return a, b
}

// shaken returns the two ends of a TLS connection after the handshake.
func shaken(t *testing.T, wait timeout.Timeout) (a, b *socket.SSLSocket) {
	t.Helper()
	c, d := joined(t, timeout.None)
	key, cert := pair(t)
	done := make(chan error)
	var err error
	go func() {
		b, err = socket.WrapSSL(d, true, socket.SSLOptions{Key: key, Cert: cert})
		done <- err
	}()
	a, err2 := socket.WrapSSL(c, false, socket.SSLOptions{})
	must(t, <-done)
	must(t, err2)
	must(t, a.SetTimeout(wait))
	must(t, b.SetTimeout(wait))
	return a, b
}

func usualInSocket(method string, i int, typ reflect.Type) reflect.Value {
	switch {
	case typ == reflect.TypeFor[socket.Addr]():
		return reflect.ValueOf(nowhere)
	case typ == reflect.TypeFor[any](): // the value of an option
		return reflect.ValueOf(&[]any{1}[0]).Elem()
	case typ.Kind() == reflect.String:
		return reflect.ValueOf("rb")
	case method == "GetSockOptBytes" && i == 2:
		return reflect.ValueOf(4)
	}
	return reflect.Value{}
}

var socketTakes = takes{
	"Socket.ReadSize.0":      "below 0 is all there is; a size is the most that is read",
	"Socket.ReadLine.0":      "below 0 is no limit",
	"Socket.Listen.0":        "the kernel's limit is less than any large backlog; below 0 is 0",
	"Socket.Recv.0":          "a size is the most that is received",
	"Socket.RecvFrom.0":      "a size is the most that is received",
	"Socket.MakeFile.1":      "MicroPython ignores buffering",
	"Socket.SetTimeout.0":    "a time",
	"SSLSocket.ReadSize.0":   "below 0 is all there is; a size is the most that is read",
	"SSLSocket.ReadLine.0":   "below 0 is no limit",
	"SSLSocket.SetTimeout.0": "a time",
	"socket.Input.Discard.0": "it ends with the socket's timeout",
	"SSLStream.ReadSize.0":   "below 0 is all there is; a size is the most that is read",

	"SSLContext.SetVerifyCallback.0": "nil removes the function",
}

// TestMisusedSocket calls each method of package socket with impossible arguments, on blocking and
// non-blocking sockets of each kind.
func TestMisusedSocket(t *testing.T) {
	if !longtest.Default(t, "every method of every kind of socket") {
		return
	}
	for _, wait := range []timeout.Timeout{0, brief}[:longtest.Count(1, 1, 2)] {
		for name, make := range map[string]func(*testing.T) (any, func()){
			"stream":   func(t *testing.T) (any, func()) { a, b := joined(t, wait); return a, func() { a.Close(); b.Close() } },
			"new":      func(t *testing.T) (any, func()) { return closing(made(t, socket.AF_INET, socket.SOCK_STREAM, wait)) },
			"datagram": func(t *testing.T) (any, func()) { return closing(made(t, socket.AF_INET, socket.SOCK_DGRAM, wait)) },
			"closed": func(t *testing.T) (any, func()) {
				s := made(t, socket.AF_INET, socket.SOCK_STREAM, wait)
				must(t, s.Close())
				return s, func() {}
			},
			"Unix": func(t *testing.T) (any, func()) {
				s := made(t, socket.AF_UNIX, socket.SOCK_DGRAM, wait)
				must(t, s.Bind(socket.Path(longtest.SocketPath(t))))
				return closing(s)
			},
		} {
			t.Run(name, func(t *testing.T) {
				balanced(t, func() { methods(t, "Socket", use{subject: make, arg: usualInSocket}, socketTakes) })
			})
		}
		t.Run("Input", func(t *testing.T) {
			balanced(t, func() {
				methods(t, "socket.Input", use{subject: func(t *testing.T) (any, func()) {
					a, b := joined(t, wait)
					return socket.NewInput(a, 100), func() { a.Close(); b.Close() }
				}}, socketTakes)
			})
		})
		t.Run("TLS", func(t *testing.T) {
			balanced(t, func() {
				methods(t, "SSLSocket", use{subject: func(t *testing.T) (any, func()) {
					a, b := shaken(t, wait)
					return a, func() { a.Close(); b.Close() }
				}, arg: usualInSocket}, socketTakes)
			})
		})
	}
	for _, protocol := range []int{socket.PROTOCOL_TLS_CLIENT, socket.PROTOCOL_TLS_SERVER} {
		methods(t, "SSLContext", use{subject: func(t *testing.T) (any, func()) {
			c, err := socket.NewSSLContext(protocol)
			must(t, err)
			return c, func() {}
		}, arg: usualInSocket}, socketTakes)
	}
	balanced(t, func() {
		methods(t, "SSLStream", use{subject: func(t *testing.T) (any, func()) {
			a, b := joined(t, 0)
			c, err := socket.NewSSLContext(socket.PROTOCOL_TLS_SERVER)
			must(t, err)
			s, err := c.WrapStream(a, socket.SSLWrap{DeferHandshake: true})
			must(t, err)
			return s, func() { s.Close(); b.Close() }
		}, arg: usualInSocket}, socketTakes)
	})
}

func closing(s *socket.Socket) (any, func()) { return s, func() { s.Close() } }

var pollTakes = takes{
	"Poll.Poll.0":     "below 0 is for ever",
	"Poll.IPoll.0":    "below 0 is for ever",
	"Poll.IPoll.1":    "as in MicroPython, one bit counts",
	"Poll.Register.1": "as in MicroPython, an object's Poll gets all bits, and a descriptor has few",
	"Poll.Modify.1":   "as in MicroPython, an object's Poll gets all bits, and a descriptor has few",
}

// TestMisusedPoll calls each method of package sel with impossible arguments. The test keeps one
// socket ready all the time. So even a poll without a timeout returns.
func TestMisusedPoll(t *testing.T) {
	balanced(t, func() {
		var s *socket.Socket
		methods(t, "Poll", use{subject: func(t *testing.T) (any, func()) {
			s = made(t, socket.AF_INET, socket.SOCK_DGRAM, 0)
			p := sel.New()
			must(t, p.Register(s, sel.POLLOUT))
			return p, func() { must(t, p.Close()); s.Close() }
		}, arg: func(_ string, _ int, typ reflect.Type) reflect.Value {
			if typ == reflect.TypeFor[sel.Pollable]() {
				v := sel.Pollable(s)
				return reflect.ValueOf(&v).Elem()
			}
			return reflect.Value{}
		}}, pollTakes)
	})
}

// pair returns a key and its certificate.
func pair(t *testing.T) (key, cert []byte) {
	t.Helper()
	c, err := selfsigned.New()
	must(t, err)
	key, err = x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	must(t, err)
	return key, c.Certificate[0]
}
