//go:build unix

package websocket_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/websocket"
)

// A room sends each message of a member to all members. Its options enable compression, and permit
// pages of every origin.
type room struct {
	hub    *websocket.Hub
	server *websocket.Server
}

type member struct{ room *room }

func (m member) Opened(c *websocket.Conn) { m.room.hub.Join(c) }

func (m member) Message(c *websocket.Conn, kind websocket.Kind, p []byte) {
	var f *websocket.Frame = m.room.server.NewFrame(kind, p) // encoded and compressed only once
	if err := m.room.hub.Send(f); err != nil {
		_ = c.Close(websocket.TryAgainLater, "the room is busy") // Frames wait for slow members
	}
}

func (m member) Closed(c *websocket.Conn, _ error) { m.room.hub.Leave(c) }

type guest struct {
	name  string
	heard func()
}

func (g guest) Opened(c *websocket.Conn) {
	if g.name == "Ann" {
		_ = c.Send(websocket.Text, []byte("hello"))
	}
}

func (g guest) Message(_ *websocket.Conn, _ websocket.Kind, p []byte) {
	fmt.Printf("%s hears %s\n", g.name, p)
	g.heard()
}

func (guest) Closed(*websocket.Conn, error) {}

// The server of a chat room closes the members that read too slowly.
func ExampleHub() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	var slow websocket.SlowPolicy = websocket.CloseSlow
	chat := &room{hub: websocket.NewHub(r, slow)}
	options := []websocket.Option{websocket.WithCompression(websocket.Compression{}), websocket.WithOrigins("*")}
	chat.server, err = websocket.NewServer(func(*websocket.Request) websocket.Handler { return member{chat} }, options...)
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", chat.server.Accept)
	if err != nil {
		log.Fatal(err)
	}
	url := "ws://" + l.Addr().String()
	ann := func() {
		if _, err := websocket.Dial(r, url, guest{"Ann", r.Close}); err != nil {
			log.Fatal(err)
		}
	}
	ann()
	_ = r.Run(context.Background())
	// Output: Ann hears hello
}

// A server serves a page, and the page connects to the same port.
func ExamplePage() {
	server, err := websocket.NewServer(func(*websocket.Request) websocket.Handler { return echo{} },
		websocket.WithPages(func(r *websocket.Request) websocket.Page {
			if r.Target != "/" {
				return websocket.Page{} // 404
			}
			return websocket.Page{Type: "text/html", Body: []byte("<script>new WebSocket(location)</script>")}
		}))
	if err != nil {
		log.Fatal(err)
	}
	loop(server, func(r *reactor.Reactor, url string) error {
		go func() {
			res, err := http.Get("http" + url[len("ws"):])
			if err != nil {
				log.Fatal(err)
			}
			page, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			fmt.Println(res.Status, string(page))
			_ = r.Post(r.Close)
		}()
		return nil
	})
	// Output: 200 OK <script>new WebSocket(location)</script>
}

// A server in a goroutine and its client use WebSocket in blocking style.
func ExampleStream() {
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	server, err := websocket.NewServer(nil) // for Streams only
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		s, err := server.Stream(nc)
		for err == nil {
			var kind websocket.Kind
			var p []byte
			if kind, p, err = s.Receive(); err == nil {
				err = s.Send(kind, p)
			}
		}
	}()
	nc, err := netconn.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	var s *websocket.Stream
	if s, err = websocket.NewStream(nc, "ws://example.org/"); err != nil {
		log.Fatal(err)
	}
	_ = s.Send(websocket.Text, []byte("hello"))
	kind, p, err := s.Receive()
	fmt.Printf("%v %s %v\n", kind, p, err)
	fmt.Println(s.Close(websocket.Normal, ""))
	// Output:
	// text hello <nil>
	// <nil>
}
