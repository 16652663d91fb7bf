//go:build unix

package api

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/ureactor/ureactor/inspect"
	"github.com/ureactor/ureactor/metrics"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

func sslContext(server bool) *socket.SSLContext {
	protocol := socket.PROTOCOL_TLS_CLIENT
	if server {
		protocol = socket.PROTOCOL_TLS_SERVER
	}
	c, err := socket.NewSSLContext(protocol)
	if err != nil {
		panic(err)
	}
	return c
}

const at = "127.0.0.1:9"

var noContext context.Context

// nothing has calls with a missing object: functions that get nil, and methods of zero values.
var nothing = map[string]func() error{
	"inspect.Handler, no loops":     func() error { inspect.Handler(nil); return nil },
	"inspect.Handler, a nil loop":   func() error { inspect.Handler([]*reactor.Reactor{nil}); return nil },
	"inspect.WriteText, no loops":   func() error { return inspect.WriteText(io.Discard, nil) },
	"metrics.New, no loops":         func() error { metrics.New(); return nil },
	"metrics.New, a nil loop":       func() error { metrics.New(nil); return nil },
	"metrics.Exporter{}.Gather":     func() error { new(metrics.Exporter).Gather(); return nil },
	"metrics.Exporter{}.Text":       func() error { return new(metrics.Exporter).Text(io.Discard) },
	"netconn.New":                   func() error { netconn.New(nil); return nil },
	"netconn.NewListener":           func() error { netconn.NewListener(nil); return nil },
	"netconn.NewTLSListener":        func() error { netconn.NewTLSListener(nil, config()); return nil },
	"netconn.On":                    func() error { netconn.On(nil); return nil },
	"netconn.Client":                func() error { return netconn.Client(nil, config()).Handshake() },
	"netconn.Server":                func() error { return netconn.Server(nil, config()).Handshake() },
	"netconn.ClientAfter":           func() error { return netconn.ClientAfter(nil, nil, config()).Handshake() },
	"netconn.ServerAfter":           func() error { return netconn.ServerAfter(nil, nil, config()).Handshake() },
	"netconn.StartTLSServer":        func() error { return netconn.StartTLSServer(nil, config(), nil) },
	"netconn.StartTLSClient":        func() error { return netconn.StartTLSClient(nil, config(), nil) },
	"netconn.WithTLS":               func() error { return listening(netconn.WithTLS(nil)) },
	"netconn.DialTCP, no address":   func() error { _, err := netconn.DialTCP("tcp", nil, nil); return err },
	"netconn.DialUDP, no address":   func() error { _, err := netconn.DialUDP("udp", nil, nil); return err },
	"netconn.DialUnix, no address":  func() error { _, err := netconn.DialUnix("unix", nil, nil); return err },
	"netconn.ListenMulticastUDP":    func() error { _, err := netconn.ListenMulticastUDP("udp4", nil, nil); return err },
	"netconn.ListenUnix":            func() error { _, err := netconn.ListenUnix("unix", nil); return err },
	"netconn.ListenUnixgram":        func() error { _, err := netconn.ListenUnixgram("unixgram", nil); return err },
	"netconn.FileConn":              func() error { _, err := netconn.FileConn(nil); return err },
	"netconn.FileListener":          func() error { _, err := netconn.FileListener(nil); return err },
	"netconn.FilePacketConn":        func() error { _, err := netconn.FilePacketConn(nil); return err },
	"netconn.DialContext":           func() error { _, err := netconn.DialContext(noContext, "tcp", at); return err },
	"reactor.WithResolver":          func() error { return dialling(reactor.WithResolver(nil)) },
	"reactor.WithSlog":              func() error { return making(reactor.WithSlog(nil)) },
	"reactor.WithLogger":            func() error { return making(reactor.WithLogger(nil)) },
	"reactor.WithKernel":            func() error { return making(reactor.WithKernel(nil)) },
	"select.NewOn":                  func() error { sel.NewOn(nil); return nil },
	"select.SelectOn":               func() error { _, _, _, err := sel.SelectOn(nil, nil, nil, nil, 0); return err },
	"select.Select, a nil object":   func() error { _, _, _, err := sel.Select([]sel.Pollable{nil}, nil, nil, 0); return err },
	"socket.FromConn":               func() error { _, err := socket.FromConn(nil); return err },
	"socket.FromConnOn":             func() error { _, err := socket.FromConnOn(nil, nil); return err },
	"socket.FromFDOn":               func() error { _, err := socket.FromFDOn(nil, 0); return err },
	"socket.GetAddrInfoOn":          func() error { _, err := socket.GetAddrInfoOn(nil, "127.0.0.1", "9", 0, 0, 0, 0); return err },
	"socket.NewInput":               func() error { socket.NewInput(nil, 1); return nil },
	"socket.NewOn":                  func() error { _, err := socket.NewOn(nil, socket.AF_INET, socket.SOCK_STREAM, 0); return err },
	"socket.WrapSSL":                func() error { _, err := socket.WrapSSL(nil, false, socket.SSLOptions{}); return err },
	"SSLContext.WrapSocket, client": func() error { _, err := sslContext(false).WrapSocket(nil, socket.SSLWrap{}); return err },
	"SSLContext.WrapSocket, server": func() error { _, err := sslContext(true).WrapSocket(nil, socket.SSLWrap{}); return err },
	"SSLContext.WrapStream":         func() error { _, err := sslContext(false).WrapStream(nil, socket.SSLWrap{}); return err },
	"Dialer.DialContext":            func() error { _, err := new(netconn.Dialer).DialContext(noContext, "tcp", at); return err },
	"Conn.WriteTo, input there": func() error {
		c := connected()
		defer c.Close()
		_, err := c.WriteTo(nil)
		return err
	},
	"Group.Shutdown": func() error {
		g, err := reactor.NewGroup(1)
		if err != nil {
			return err
		}
		defer g.Shutdown(context.Background())
		return g.Shutdown(noContext)
	},
}

// connected returns a connection whose peer has sent data and a FIN.
func connected() *netconn.TCPConn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	c, err := netconn.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	peer, err := l.Accept()
	if err != nil {
		panic(err)
	}
	defer peer.Close()
	if _, err := peer.Write([]byte("x")); err != nil {
		panic(err)
	}
	return c.(*netconn.TCPConn)
}

// A function that gets nil for a required object returns an error, or panics with a message of this
// module. It leaves nothing open.
func TestNilObjects(t *testing.T) {
	for name, f := range nothing {
		t.Run(name, func(t *testing.T) {
			balanced(t, func() {
				var err error
				panicked := func() (v any) {
					defer func() { v = recover() }()
					err = f()
					return nil
				}()
				switch text, is := panicked.(string); {
				case panicked != nil && (!is || !ours(text)):
					t.Errorf("panic: %v", panicked)
				case panicked == nil && err == nil:
					t.Error("neither a panic nor an error")
				}
			})
		})
	}
}
