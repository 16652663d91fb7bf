//go:build unix

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/websocket"
)

// echo sends each message back. It has no state, so one value serves every connection.
type echo struct{}

func (echo) Message(c *websocket.Conn, kind websocket.Kind, p []byte) { _ = c.Send(kind, p) }
func (echo) Closed(*websocket.Conn, error)                            {}

// A caller is a client that prints its callbacks.
type caller struct{ ended func() }

var _ interface {
	websocket.Handler
	websocket.OpenHandler
	websocket.PongHandler
	websocket.DrainHandler
} = caller{}

func (caller) Opened(c *websocket.Conn) {
	fmt.Printf("opened, subprotocol %q\n", c.Subprotocol())
	_ = c.Ping([]byte("are you there?"))
	_ = c.Send(websocket.Text, []byte("hello"))
}

func (caller) Pong(_ *websocket.Conn, p []byte) { fmt.Printf("pong %q\n", p) }
func (caller) Drained(*websocket.Conn)          {} // more may be sent

func (caller) Message(c *websocket.Conn, kind websocket.Kind, p []byte) {
	fmt.Printf("%v %q\n", kind, p)
	_ = c.Close(websocket.Normal, "that is all")
}

func (h caller) Closed(_ *websocket.Conn, err error) {
	fmt.Println("closed:", err)
	h.ended()
}

// A server and its client run on one loop.
func ExampleServer() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	server, err := websocket.NewServer(func(*websocket.Request) websocket.Handler { return echo{} },
		websocket.WithSubprotocols("echo.example.org"), websocket.WithPing(30*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", server.Accept)
	if err != nil {
		log.Fatal(err)
	}
	_, err = websocket.Dial(r, "ws://"+l.Addr().String()+"/echo", caller{r.Close},
		websocket.WithSubprotocols("echo.example.org"))
	if err != nil {
		log.Fatal(err)
	}
	_ = r.Run(context.Background())
	// Output:
	// opened, subprotocol "echo.example.org"
	// pong "are you there?"
	// text "hello"
	// closed: <nil>
}

// loop runs a server on a loop and then calls client, which must end the loop.
func loop(server *websocket.Server, client func(r *reactor.Reactor, url string) error) {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", server.Accept)
	if err != nil {
		log.Fatal(err)
	}
	if err := client(r, "ws://"+l.Addr().String()); err != nil {
		log.Fatal(err)
	}
	_ = r.Run(context.Background())
}

// watcher prints the error with which its connection has ended.
type watcher struct{ ended func() }

func (watcher) Message(_ *websocket.Conn, _ websocket.Kind, p []byte) { fmt.Printf("%s\n", p) }

func (h watcher) Closed(_ *websocket.Conn, err error) {
	var why *websocket.CloseError
	var no *websocket.HandshakeError
	switch {
	case errors.As(err, &why):
		var code websocket.Code = why.Code
		fmt.Println("code", code, "by the peer:", why.Peer, why.Reason)
	case errors.As(err, &no):
		fmt.Println("status", no.Status)
	default:
		fmt.Println(err)
	}
	h.ended()
}

// A server reads the request, and refuses a client that has no ticket.
func ExampleRequest() {
	server, err := websocket.NewServer(func(r *websocket.Request) websocket.Handler {
		u, err := r.URL()
		if err != nil || u.Query().Get("ticket") == "" {
			return r.Refuse(401)
		}
		r.SetHeader("Set-Cookie", "seen=yes")
		return echo{}
	})
	if err != nil {
		log.Fatal(err)
	}
	loop(server, func(r *reactor.Reactor, url string) error {
		_, err := websocket.Dial(r, url+"/?ticket=", watcher{r.Close})
		return err
	})
	// Output: status 401
}

// A strict Handler accepts only texts.
type strict struct{ echo }

func (strict) Message(c *websocket.Conn, kind websocket.Kind, p []byte) {
	if kind != websocket.Text {
		_ = c.Close(websocket.Unsupported, "texts only")
	}
}

type sender struct{ watcher }

func (sender) Opened(c *websocket.Conn) { _ = c.Send(websocket.Binary, []byte{1, 2, 3}) }

// The other side receives the code and reason of the side that closes.
func ExampleCloseError() {
	server, err := websocket.NewServer(func(*websocket.Request) websocket.Handler { return strict{} })
	if err != nil {
		log.Fatal(err)
	}
	loop(server, func(r *reactor.Reactor, url string) error {
		_, err := websocket.Dial(r, url, sender{watcher{r.Close}})
		return err
	})
	// Output: code 1003 unsupported data by the peer: true texts only
}
