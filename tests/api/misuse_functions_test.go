//go:build unix

package api

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/frame"
	"github.com/ureactor/ureactor/inspect"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// functions are the exported functions that have a number, a slice or a function as a parameter.
// Each entry closes what it opens.
var functions = map[string]any{
	"inspect.Handler": func(loops []*reactor.Reactor) { inspect.Handler(loops) },

	"frame.Length":    func(bytes, max int) { frame.Length(bytes, binary.BigEndian, max) },
	"frame.Varint":    func(max int) { frame.Varint(max) },
	"frame.Delimiter": func(max int) { frame.Delimiter(",", max) },
	"frame.Lines":     func(max int) { frame.Lines(max) },
	"frame.Fixed":     func(size int) { frame.Fixed(size) },

	"socket.NewInput":      func(limit int) { socket.NewInput(new(socket.Socket), limit) },
	"socket.NewInputAfter": func(read []byte, limit int) { socket.NewInputAfter(new(socket.Socket), read, limit) },
	"netconn.DialTimeout": func(d time.Duration) error {
		l, err := netconn.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		c, err := netconn.DialTimeout("tcp", l.Addr().String(), d)
		if err == nil {
			err = c.Close()
		}
		return err
	},
	"netconn.WithHandshakeTimeout": func(d time.Duration) error { return listening(netconn.WithHandshakeTimeout(config(), d)) },
	"netconn.StartTLSServer": func(p []byte) error {
		return onConn(func(c *reactor.Conn) error { return netconn.StartTLSServer(c, config(), p) })
	},
	"netconn.StartTLSClient": func(p []byte) error {
		return onConn(func(c *reactor.Conn) error { return netconn.StartTLSClient(c, config(), p) })
	},
	"netconn.ServerAfter": func(p []byte) { after(netconn.ServerAfter, p) },
	"netconn.ClientAfter": func(p []byte) { after(netconn.ClientAfter, p) },

	"reactor.NewGroup": func(n int) error {
		g, err := reactor.NewGroup(n)
		if err == nil {
			err = g.Shutdown(context.Background())
		}
		return err
	},
	"reactor.New":              func(o ...reactor.Option) error { return making(o...) },
	"reactor.WithPostLimit":    func(n int) error { return making(reactor.WithPostLimit(n)) },
	"reactor.WithReadSize":     func(n int) error { return making(reactor.WithReadSize(n)) },
	"reactor.WithSpin":         func(d time.Duration) error { return making(reactor.WithSpin(d)) },
	"reactor.WithSlowCallback": func(d time.Duration) error { return making(reactor.WithSlowCallback(d)) },
	"reactor.WithPanicHandler": func(f func(*reactor.Conn, any, []byte)) error { return making(reactor.WithPanicHandler(f)) },
	"reactor.WithLimits":       func(low, high, most int) error { return listening(reactor.WithLimits(low, high, most)) },
	"reactor.WithLinger":       func(d time.Duration) error { return listening(reactor.WithLinger(d)) },
	"reactor.WithBacklog":      func(n int) error { return listening(reactor.WithBacklog(n)) },
	"reactor.WithAccepts":      func(n int) error { return listening(reactor.WithAccepts(n)) },
	"reactor.WithMaxConns":     func(n int) error { return listening(reactor.WithMaxConns(n)) },
	"reactor.WithKeepAlive":    func(d time.Duration) error { return listening(reactor.WithKeepAlive(d)) },
	"reactor.WithUserTimeout":  func(d time.Duration) error { return listening(reactor.WithUserTimeout(d)) },
	"reactor.WithControl":      func(f func(int) error) error { return listening(reactor.WithControl(f)) },
	"reactor.WithBalance":      func(b reactor.Balance) error { return grouped(reactor.WithBalance(b)) },
	"reactor.WithProxy":        func(p []netip.Prefix) error { return listening(reactor.WithProxy(p...)) },
	"reactor.WithFilters": func(f func(bool) (func(*reactor.Wire) reactor.Filter, error)) error {
		return listening(reactor.WithFilters(f))
	},
	"reactor.WithDialTimeout":   func(d time.Duration) error { return dialling(reactor.WithDialTimeout(d)) },
	"reactor.WithFallbackDelay": func(d time.Duration) error { return dialling(reactor.WithFallbackDelay(d)) },

	"reactor.WithTraceFor":   func(f func() reactor.Trace) error { return making(reactor.WithTraceFor(f)) },
	"reactor.HistogramBound": func(i int) error { reactor.HistogramBound(i); return nil },

	"select.Select": func(r, w, x []sel.Pollable, seconds float64) error {
		s, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer s.Close()
		_, _, _, err = sel.Select(r, append(w, s), x, seconds) // s is always ready, so the call ends
		return err
	},

	"timeout.Of":      func(d time.Duration) error { _, err := timeout.Of(d); return err },
	"timeout.Seconds": func(s float64) error { _, err := timeout.Seconds(s); return err },
}

// elsewhere are functions that this test leaves out, with the reasons.
var elsewhere = map[string]string{
	"select.SelectOn":      "is Select for a Task",
	"socket.GetAddrInfoOn": "is GetAddrInfo for a Task",
	"socket.NewOn":         "is New for a Task",
	"socket.FromFDOn":      "is FromFD for a Task",
	"poller.OnKqueue":      "takes an internal type",
	"netconn.DialContext":  "takes no number",
}

var functionTakes = takes{
	"netconn.DialTimeout.0":       "as in package net, 0 is no limit and less is over",
	"reactor.HistogramBound.0":    "the first bucket",
	"reactor.WithFallbackDelay.0": "below 0 an address has to fail first, as in package net",
	"reactor.WithMaxConns.0":      "any number of Conns",
	"select.Select.3":             "below 0 is for ever, as in MicroPython",
	"socket.Tuple6.2":             "a scope has 32 bits without a sign",
}

func config() *tls.Config {
	c, err := selfsigned.New()
	if err != nil {
		panic(err)
	}
	return &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{c}}
}

func after(make func(net.Conn, []byte, *tls.Config) *netconn.TLSConn, p []byte) {
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	c, err := netconn.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Millisecond))
	_ = make(c, p, config()).Handshake()
}

func making(o ...reactor.Option) error {
	r, err := reactor.New(o...)
	if err == nil {
		err = r.Shutdown(context.Background())
	}
	return err
}

// onConn calls f with an open Conn.
func onConn(f func(c *reactor.Conn) error) error {
	r, err := reactor.New()
	if err != nil {
		return err
	}
	defer r.Shutdown(context.Background())
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	nc, err := netconn.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	c, err := r.AttachConn(nc, nil, handler{})
	if err != nil {
		return err
	}
	return f(c)
}

func listening(o ...reactor.ListenOption) error {
	r, err := reactor.New()
	if err != nil {
		return err
	}
	defer r.Shutdown(context.Background())
	_, err = r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return handler{} }, o...)
	return err
}

func dialling(o reactor.DialOption) error {
	r, err := reactor.New()
	if err != nil {
		return err
	}
	defer r.Shutdown(context.Background())
	_, err = r.Dial("tcp", "127.0.0.1:9", handler{}, o)
	return err
}

func grouped(o ...reactor.ListenOption) error {
	g, err := reactor.NewGroup(2)
	if err != nil {
		return err
	}
	defer g.Shutdown(context.Background())
	_, err = g.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return handler{} }, o...)
	return err
}

// TestMisusedFunctions calls each function that has a number, a slice or a function as a parameter,
// with impossible values.
func TestMisusedFunctions(t *testing.T) {
	if !longtest.Default(t, "calls every function with many arguments") {
		return
	}
	for name, f := range functions {
		t.Run(name, func(t *testing.T) {
			balanced(t, func() {
				sweep(t, name, reflect.TypeOf(f), 0, functionTakes, nil,
					func(_ *testing.T, call func(reflect.Value)) { call(reflect.ValueOf(f)) })
			})
		})
	}
}

// TestEveryFunctionIsCalled compares the tables with doc/api.txt: every new function that has a
// number as a parameter must be in a table.
func TestEveryFunctionIsCalled(t *testing.T) {
	list, err := os.ReadFile("../../doc/api.txt")
	must(t, err)
	function := regexp.MustCompile(`(?m)^pkg \S+/(frame|netconn|poller|reactor|select|socket|timeout|websocket), func (\w+)\((.*)$`)
	counts := regexp.MustCompile(`\b(int|int32|int64|uint\d*|float64|Duration|Timeout|Deadline|Interest|Balance)\b|\[\]|\.\.\.|\bfunc\(`)
	for _, m := range function.FindAllStringSubmatch(string(list), -1) {
		name, takes := m[1]+"."+m[2], parameters(m[3])
		if !counts.MatchString(takes) {
			continue
		}
		_, here := functions[name]
		if _, left := elsewhere[name]; !here && !left {
			t.Errorf("%s(%s) is in no table", name, takes)
		}
	}
	methods := regexp.MustCompile(`(?m)^pkg \S+/(frame|netconn|poller|reactor|select|socket|timeout|websocket), method \(\*?(\w+)\) (\w+)\((.*)$`)
	for _, m := range methods.FindAllStringSubmatch(string(list), -1) {
		if counts.MatchString(parameters(m[4])) && !slices.Contains(strings.Fields(subjects), m[1]+"."+m[2]) {
			t.Errorf("no test has a %s.%s, for %s(%s)", m[1], m[2], m[3], parameters(m[4]))
		}
	}
}

// TestMisusedFrame calls each method of package frame with impossible arguments.
func TestMisusedFrame(t *testing.T) {
	methods(t, "frame.Format", use{subject: func(*testing.T) (any, func()) { return frame.Lines(100), func() {} }},
		takes{"frame.Format.AppendHead.1": "the error is ErrTooLarge, and names it"})
}

// subjects are the types whose methods the tests call.
const subjects = ` netconn.Conn netconn.Listener netconn.PacketConn netconn.UnixConn netconn.UnixListener
 netconn.TLSConn netconn.Net
 poller.Table timeout.Queue timeout.Timeout timeout.Deadline select.Poll socket.Socket socket.SSLSocket
 reactor.Reactor reactor.Group reactor.Conn reactor.Wire reactor.PacketConn reactor.Timer reactor.Watch reactor.Task
 socket.SSLContext socket.SSLStream reactor.Input reactor.Histogram socket.Input frame.Format
 websocket.Conn websocket.Request websocket.Server websocket.Stream `

// parameters returns a signature's text up to the end of its parameters.
func parameters(text string) string {
	depth := 0
	for i, c := range text {
		switch {
		case c == '(':
			depth++
		case c == ')' && depth == 0:
			return text[:i]
		case c == ')':
			depth--
		}
	}
	return text
}
