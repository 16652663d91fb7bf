//go:build unix

package api

import (
	"context"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/fdtable"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

// far returns the two ends of a connection of package netconn.
func far(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	a, err = netconn.Dial("tcp", l.Addr().String())
	must(t, err)
	b, err = l.Accept()
	must(t, err)
	return a, b
}

func usualInNetconn(_ string, i int, typ reflect.Type) reflect.Value {
	to := func(v any) reflect.Value { return reflect.ValueOf(v).Convert(typ) }
	switch typ {
	case reflect.TypeFor[net.Addr]():
		return to(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
	case reflect.TypeFor[string]():
		return to([]string{"tcp", "127.0.0.1:9"}[i%2])
	case reflect.TypeFor[context.Context]():
		return to(context.Background())
	}
	return reflect.Value{}
}

var netconnTakes = takes{
	"Conn.SetKeepAlivePeriod.0":   "as in package net: its own period, or none",
	"Conn.SetLinger.0":            "below 0 is the default, as in package net",
	"Conn.SetReadBuffer.0":        "as in package net, below 0 is the kernel's least",
	"Conn.SetWriteBuffer.0":       "as in package net, below 0 is the kernel's least",
	"PacketConn.SetReadBuffer.0":  "as in package net, below 0 is the kernel's least",
	"PacketConn.SetWriteBuffer.0": "as in package net, below 0 is the kernel's least",
	"UnixConn.SetReadBuffer.0":    "as in package net, below 0 is the kernel's least",
	"UnixConn.SetWriteBuffer.0":   "as in package net, below 0 is the kernel's least",
	"Net.DialTimeout.2":           "as in package net, 0 is no limit and less is over",
}

// TestMisusedNetconn calls each method of package netconn with impossible arguments.
func TestMisusedNetconn(t *testing.T) {
	soon := func() time.Time { return time.Now().Add(time.Millisecond) }
	for name, make := range map[string]func(*testing.T) (any, func()){
		"Conn": func(t *testing.T) (any, func()) {
			a, b := far(t)
			must(t, a.SetDeadline(soon()))
			return a, func() { a.Close(); b.Close() }
		},
		"TLSConn": func(t *testing.T) (any, func()) {
			a, b := far(t)
			must(t, a.SetDeadline(soon()))
			return netconn.Client(a, config()), func() { a.Close(); b.Close() }
		},
		"Listener": func(t *testing.T) (any, func()) {
			l, err := netconn.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			return l, func() { l.Close() }
		},
		"PacketConn": func(t *testing.T) (any, func()) {
			c, err := netconn.ListenPacket("udp4", "127.0.0.1:0")
			must(t, err)
			must(t, c.SetDeadline(soon()))
			return c, func() { c.Close() }
		},
		"UnixConn": func(t *testing.T) (any, func()) {
			c, err := netconn.ListenPacket("unixgram", longtest.SocketPath(t))
			must(t, err)
			must(t, c.SetDeadline(soon()))
			return c, func() { c.Close() }
		},
		"UnixListener": func(t *testing.T) (any, func()) {
			l, err := netconn.Listen("unix", longtest.SocketPath(t))
			must(t, err)
			return l, func() { l.Close() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			balanced(t, func() { methods(t, name, use{subject: make, arg: usualInNetconn}, netconnTakes) })
		})
	}
	t.Run("Net", func(t *testing.T) {
		balanced(t, func() {
			r, done := turned(t)
			r.Go(func(*reactor.Task) {
				methods(t, "Net", use{subject: func(*testing.T) (any, func()) { return netconn.On(r), func() {} }, arg: usualInNetconn}, netconnTakes)
			})
			done()
		})
	})
}

var pollerTakes = takes{"Poller.Wait.1": "a time"}

// TestMisusedPollerAndTimeout calls each method of a Poller, and of the types that belong to it,
// with impossible arguments.
func TestMisusedPollerAndTimeout(t *testing.T) {
	balanced(t, func() {
		methods(t, "Poller", use{subject: func(t *testing.T) (any, func()) {
			p, err := poller.New()
			must(t, err)
			must(t, p.Wake())
			return p, func() { must(t, p.Close()) }
		}, arg: func(method string, i int, typ reflect.Type) reflect.Value {
			if method == "Wait" && i == 0 {
				return reflect.ValueOf(make([]poller.Event, 1))
			}
			if typ.Kind() == reflect.Int {
				return reflect.ValueOf(-1)
			}
			return reflect.Value{}
		}}, pollerTakes)
	})
	methods(t, "Table", use{subject: func(*testing.T) (any, func()) { return &fdtable.Table[int]{}, func() {} },
		skip: map[string]string{"Put": "a Table grows to the number"}}, nil)
	for _, fd := range odd(reflect.TypeFor[int]()) {
		if n := fd.Int(); n < 0 || n > 1<<31-1 {
			judge(t, "Table.Put", "", reflect.ValueOf(new(fdtable.Table[int]).Put), []reflect.Value{fd, reflect.ValueOf(1)}, fd, nil)
		}
	}
	for name, v := range map[string]any{"Timeout": timeout.Timeout(1), "Deadline": timeout.Deadline(1), "Queue": &timerq.Queue{}} {
		methods(t, name, use{subject: func(*testing.T) (any, func()) { return v, func() {} }, arg: func(_ string, _ int, typ reflect.Type) reflect.Value {
			if typ == reflect.TypeFor[*timerq.Timer]() {
				return reflect.ValueOf(&timerq.Timer{})
			}
			return reflect.Value{}
		}, skip: map[string]string{"Arm": "only reactor uses the Queue", "Stop": "the same"}}, nil)
	}
}
