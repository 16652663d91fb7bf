//go:build unix

package api

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/websocket"
)

func init() {
	for name, f := range map[string]any{
		"websocket.WithMaxMessage":       func(n int) error { return serving(websocket.WithMaxMessage(n)) },
		"websocket.WithMaxFrame":         func(n int) error { return serving(websocket.WithMaxFrame(n)) },
		"websocket.WithMaxHead":          func(n int) error { return serving(websocket.WithMaxHead(n)) },
		"websocket.WithHandshakeTimeout": func(d time.Duration) error { return serving(websocket.WithHandshakeTimeout(d)) },
		"websocket.WithCloseTimeout":     func(d time.Duration) error { return serving(websocket.WithCloseTimeout(d)) },
		"websocket.WithPing":             func(d time.Duration) error { return serving(websocket.WithPing(d)) },
		"websocket.WithIdleTimeout":      func(d time.Duration) error { return serving(websocket.WithIdleTimeout(d)) },
		"websocket.WithClock":            func(f func() time.Time) error { return serving(websocket.WithClock(f)) },
		"websocket.WithOrigins":          func(o []string) error { return serving(websocket.WithOrigins(o...)) },
		"websocket.WithSubprotocols":     func(o []string) error { return serving(websocket.WithSubprotocols(o...)) },
		"websocket.WithPages": func(f func(*websocket.Request) websocket.Page) error {
			return serving(websocket.WithPages(f))
		},
		"websocket.NewServer": func(f func(*websocket.Request) websocket.Handler, o []websocket.Option) error {
			_, err := websocket.NewServer(f, o...)
			return err
		},
		"websocket.WithRand": func(f func() uint64) error { return asking(websocket.WithRand(f)) },
		"websocket.WithDial": func(o []reactor.DialOption) error { return asking(websocket.WithDial(o...)) },
		"websocket.Dial":     func(o []websocket.Option) error { return asking(o...) },
		"websocket.NewStream": func(o []websocket.Option) error {
			a, b := net.Pipe()
			_ = b.Close()
			_, err := websocket.NewStream(a, "ws://example.org", o...)
			return err
		},
	} {
		functions[name] = f
	}
}

type quiet struct{}

func (quiet) Message(*websocket.Conn, websocket.Kind, []byte) {}
func (quiet) Closed(*websocket.Conn, error)                   {}

func accepts(*websocket.Request) websocket.Handler { return quiet{} }

func serving(o ...websocket.Option) error {
	_, err := websocket.NewServer(accepts, o...)
	return err
}

func asking(o ...websocket.Option) error {
	r, err := reactor.New()
	if err != nil {
		return err
	}
	defer r.Shutdown(context.Background())
	_, err = websocket.Dial(r, "ws://127.0.0.1:1", quiet{}, o...)
	return err
}

// TestMisusedWebSocket calls each method of package websocket with impossible arguments.
func TestMisusedWebSocket(t *testing.T) {
	open := make(chan *websocket.Conn, 1)
	var request *websocket.Request
	server, err := websocket.NewServer(func(r *websocket.Request) websocket.Handler { request = r; return quiet{} })
	must(t, err)
	r, err := reactor.New()
	must(t, err)
	l, err := r.Listen("tcp", "127.0.0.1:0", server.Accept)
	must(t, err)
	url := "ws://" + l.Addr().String()
	conn := func(t *testing.T) (any, func()) {
		_, err := websocket.Dial(r, url, opener{open: open})
		must(t, err)
		for len(open) == 0 {
			must(t, r.Turn(r.Now()+1e9))
		}
		c := <-open
		return c, func() {
			_ = c.Abort()
			_ = r.Turn(r.Now())
		}
	}
	methods(t, "websocket.Conn", use{subject: conn, skip: map[string]string{"Conn": "is the reactor's", "Reactor": "is the loop"}}, nil)
	_, done := conn(t)
	done()
	methods(t, "websocket.Request", use{subject: func(*testing.T) (any, func()) { return request, func() {} },
		skip: map[string]string{"SetHeader": "takes text"}}, nil)
	methods(t, "websocket.Server", use{subject: func(*testing.T) (any, func()) { return server, func() {} },
		skip: map[string]string{"Accept": "takes a Conn", "Stream": "takes a net.Conn"}}, nil)
	for r.Close(); r.Turn(r.Now()+1e9) == nil; {
	}

	ln, err := netconn.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	methods(t, "websocket.Stream", use{skip: map[string]string{"Receive": "waits"}, subject: func(t *testing.T) (any, func()) {
		served := make(chan *websocket.Stream, 1)
		go func() {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			s, err := server.Stream(nc)
			if err != nil {
				t.Error(err)
			}
			served <- s
		}()
		nc, err := netconn.Dial("tcp", ln.Addr().String())
		must(t, err)
		s, err := websocket.NewStream(nc, "ws://example.org")
		must(t, err)
		peer := <-served
		return s, func() {
			_ = s.NetConn().Close()
			_ = peer.NetConn().Close()
		}
	}}, nil)
}

// An opener passes its Conn on when the Conn is open.
type opener struct {
	quiet
	open chan *websocket.Conn
}

func (o opener) Opened(c *websocket.Conn) { o.open <- c }
