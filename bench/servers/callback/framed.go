package main

import (
	"errors"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/frame"
	"github.com/ureactor/ureactor/reactor"
)

// framed echoes frames. If a frame is too large, it ends the connection.
type framed struct {
	in     *reactor.Input
	frames frame.Reader
	head   [16]byte
}

func (h *framed) Data(c *reactor.Conn, _ []byte) { h.run(c) }
func (h *framed) Drained(c *reactor.Conn)        { h.run(c) }
func (h *framed) Closed(*reactor.Conn, error)    {}

func (h *framed) run(c *reactor.Conn) {
	for c.Buffered() <= 256<<10 {
		p, err := h.frames.Next(h.in)
		if errors.Is(err, reactor.ErrIncomplete) {
			return
		}
		head := h.head[:0]
		if err == nil {
			head, err = serve.Frames.AppendHead(head, len(p))
		}
		if err == nil {
			err = c.SendV(head, p)
		}
		if err != nil {
			_ = c.Close()
			return
		}
	}
}
