package serve

import (
	"github.com/ureactor/ureactor/websocket"
)

// MaxMessage is the maximum size of a WebSocket message in bytes.
const MaxMessage = 2 << 20

// The protocols that use WebSocket. In a Room each message goes to every connection.
const (
	WebSocket = "websocket"
	Deflate   = "deflate" // with permessage-deflate, no context takeover
	Room      = "room"
)

// WebSocketOptions returns the options of our servers.
func (o Options) WebSocketOptions() []websocket.Option {
	opts := []websocket.Option{websocket.WithMaxMessage(MaxMessage)}
	if o.Protocol == Deflate {
		opts = append(opts, websocket.WithCompression(websocket.Compression{}))
	}
	return opts
}

// EchoMessages serves a connection of WebSocket in blocking style.
func EchoMessages(c *websocket.Stream) {
	for {
		kind, p, err := c.Receive()
		if err != nil {
			return // Receive has closed c
		}
		if c.Send(kind, p) != nil {
			_ = c.NetConn().Close()
			return
		}
	}
}
