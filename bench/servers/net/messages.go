package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

// messages serves WebSocket with coder/websocket on net/http. Each connection has a buffer that
// grows to its largest message.
func messages(o serve.Options, l net.Listener) error {
	opts := &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled}
	if o.Protocol == serve.Deflate {
		opts.CompressionMode = websocket.CompressionNoContextTakeover
	}
	m := &room{all: map[*websocket.Conn]bool{}}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		c, err := websocket.Accept(w, q, opts)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(serve.MaxMessage)
		send := c.Write
		if o.Protocol == serve.Room {
			m.join(c)
			defer m.leave(c)
			send = m.say
		}
		ctx := context.Background()
		var buf bytes.Buffer
		for {
			kind, in, err := c.Reader(ctx)
			if err == nil {
				buf.Reset()
				_, err = buf.ReadFrom(in)
			}
			if err == nil {
				err = send(ctx, kind, buf.Bytes())
			}
			if err != nil {
				return
			}
		}
	}))
}

// A room sends each message to all connections, one after the other.
type room struct {
	mu  sync.Mutex
	all map[*websocket.Conn]bool
}

func (m *room) join(c *websocket.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[c] = true
}

func (m *room) leave(c *websocket.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, c)
}

func (m *room) say(ctx context.Context, kind websocket.MessageType, p []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.all {
		if err := c.Write(ctx, kind, p); err != nil {
			return err
		}
	}
	return nil
}
