package main

import (
	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/websocket"
)

// messages returns a function that serves WebSocket.
func messages(r *reactor.Reactor, o serve.Options) func(*reactor.Conn) reactor.Handler {
	var h websocket.Handler = messageEcho{}
	m := &room{hub: websocket.NewHub(r, websocket.WaitForSlow)}
	if o.Protocol == serve.Room {
		h = m
	}
	s, err := websocket.NewServer(func(*websocket.Request) websocket.Handler { return h }, o.WebSocketOptions()...)
	serve.Try(err)
	m.server = s
	return s.Accept
}

type messageEcho struct{}

func (messageEcho) Message(c *websocket.Conn, kind websocket.Kind, p []byte) {
	if c.Send(kind, p) != nil {
		_ = c.Abort()
	}
}

func (messageEcho) Closed(*websocket.Conn, error) {}

// A room sends each message to all connections.
type room struct {
	server *websocket.Server
	hub    *websocket.Hub
}

func (m *room) Opened(c *websocket.Conn) { m.hub.Join(c) }

func (m *room) Message(c *websocket.Conn, kind websocket.Kind, p []byte) {
	if m.hub.Send(m.server.NewFrame(kind, p)) != nil {
		_ = c.Abort()
	}
}

func (m *room) Closed(c *websocket.Conn, _ error) { m.hub.Leave(c) }
