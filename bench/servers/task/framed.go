package main

import (
	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/socket"
)

// framed echoes frames. If a frame is too large, it ends the connection.
func (s *server) framed(c *socket.Socket) {
	defer c.Close()
	in, frames := socket.NewInput(c, serve.Frames.MaxSize()), serve.Frames.Reader()
	var room []byte
	for {
		p, err := frames.Next(in)
		if err != nil {
			return
		}
		if room, err = serve.Frames.Append(room[:0], p); err != nil {
			return
		}
		if _, err = c.SendAll(room); err != nil {
			return
		}
	}
}
