package main

import (
	"bufio"
	"bytes"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/reactor"
)

// A web has what the connections of the greeting server share, because they share one loop.
type web struct {
	serve.Options
	in     *bufio.Reader
	answer []byte
}

const maxHead = 16 << 10

func newWeb(o serve.Options) *web { return &web{Options: o, in: bufio.NewReaderSize(nil, maxHead)} }

func (w *web) accept(c *reactor.Conn) reactor.Handler {
	c.SetReadTimeout(w.Patience)
	return &visitor{web: w, late: w.Patience > 0}
}

// A visitor is one connection.
type visitor struct {
	*web
	rest []byte // an incomplete request
	late bool   // the timeout for the head of a request is set
}

func (v *visitor) Data(c *reactor.Conn, p []byte) {
	if len(v.rest) > 0 {
		v.rest = append(v.rest, p...)
		p = v.rest
	}
	for len(p) > 0 && bytes.Contains(p, []byte("\r\n\r\n")) {
		n, ok := v.one(c, p)
		if !ok {
			c.Close()
			return
		}
		p = p[n:]
	}
	if len(p) > maxHead {
		c.Close()
		return
	}
	if v.rest = append(v.rest[:0], p...); len(v.rest) == 0 {
		v.rest = nil
	}
	v.time(c)
}

// one answers the request in front. Its body is complete.
func (v *visitor) one(c *reactor.Conn, p []byte) (n int, ok bool) {
	left := bytes.NewReader(p)
	v.in.Reset(left)
	answer, more := serve.Answer(v.in, v.answer[:0])
	v.answer = answer
	return len(p) - left.Len() - v.in.Buffered(), c.Send(answer) == nil && more
}

// time sets the timeout while a head is incomplete.
func (v *visitor) time(c *reactor.Conn) {
	switch {
	case v.late && len(v.rest) == 0:
		v.late = false
		c.SetReadTimeout(0)
	case !v.late && len(v.rest) > 0 && v.Patience > 0:
		v.late = true
		c.SetReadTimeout(v.Patience)
	}
}

func (v *visitor) Timeout(c *reactor.Conn, _ reactor.TimeoutKind) { c.Close() }
func (v *visitor) Closed(*reactor.Conn, error)                    {}
