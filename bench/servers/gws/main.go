// A server with gws. Each connection has a goroutine. gws supports only WebSocket.
package main

import (
	"net"
	"sync"

	"github.com/lxzan/gws"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

func main() {
	o := serve.Parse()
	l, err := net.Listen(o.Network, o.Address)
	serve.Try(err)
	opts := &gws.ServerOption{ReadMaxPayloadSize: serve.MaxMessage}
	var h gws.Event = echo{}
	switch o.Protocol {
	case serve.Deflate:
		opts.PermessageDeflate.Enabled = true
	case serve.Room:
		h = &room{all: map[*gws.Conn]bool{}}
	}
	serve.Listening(l.Addr().String())
	serve.Fail(gws.NewServer(h, opts).RunListener(l))
}

type echo struct{ gws.BuiltinEventHandler }

func (echo) OnMessage(c *gws.Conn, m *gws.Message) {
	_ = c.WriteMessage(m.Opcode, m.Bytes()) // an error closes c
	_ = m.Close()
}

// A room sends each message to all connections.
type room struct {
	gws.BuiltinEventHandler
	mu  sync.Mutex
	all map[*gws.Conn]bool
}

func (r *room) OnOpen(c *gws.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[c] = true
}

func (r *room) OnClose(c *gws.Conn, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, c)
}

func (r *room) OnMessage(_ *gws.Conn, m *gws.Message) {
	b := gws.NewBroadcaster(m.Opcode, append([]byte(nil), m.Bytes()...))
	r.mu.Lock()
	for c := range r.all {
		_ = b.Broadcast(c)
	}
	r.mu.Unlock()
	_ = b.Close()
	_ = m.Close()
}
