package simulated

import (
	"bytes"
	"context"
	"log/slog"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// boot runs a reactor on a host, as main would do. If the reactor could not start, boot tries
// again.
func boot(w *sim.World, h *sim.Host, name string, begin func(r *reactor.Reactor) error) {
	h.Boot(name, func() {
		r, err := reactor.New(reactor.WithKernel(h))
		if err == nil {
			err = begin(r)
		}
		if err != nil {
			w.Fail(err)
			return
		}
		if err := r.Run(context.Background()); err != nil {
			w.Fail(err)
		}
	})
}

// silent is how long a connection may be without input. Each end sends pings twice as often.
const silent = 600 * time.Millisecond

// lines is a Handler that splits a stream into lines.
type lines struct {
	rest   []byte
	opened func(c *reactor.Conn)
	line   func(c *reactor.Conn, text []byte)
	closed func(err error)
}

func (l *lines) Opened(c *reactor.Conn) {
	_ = c.SetIdleTimeout(silent)
	if l.opened != nil {
		l.opened(c)
	}
}

func (l *lines) Data(c *reactor.Conn, p []byte) {
	if bug == "short read" { // a part of the stream is treated as whole lines
		l.rest = nil
		if i := bytes.LastIndexByte(p, '\n'); i < 0 || i < len(p)-1 {
			p = append(bytes.Clone(p), '\n')
		}
	}
	l.rest = append(l.rest, p...)
	for {
		text, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return
		}
		l.rest = rest
		if len(text) > 0 { // otherwise the line is a ping
			l.line(c, text)
		}
	}
}

func (l *lines) Timeout(c *reactor.Conn, _ reactor.TimeoutKind) { _ = c.Abort() }

func (l *lines) Closed(_ *reactor.Conn, err error) {
	if l.closed != nil {
		l.closed(err)
	}
}

// listen serves lines on a port. It pings accepted connections.
func listen(r *reactor.Reactor, port string, line func(c *reactor.Conn, text []byte)) error {
	_, err := r.Listen("tcp4", port, func(c *reactor.Conn) reactor.Handler {
		open := true
		_ = c.SetIdleTimeout(silent)
		ping(r, c, &open)
		return &lines{line: line, closed: func(error) { open = false }}
	})
	return err
}

func ping(r *reactor.Reactor, c *reactor.Conn, open *bool) {
	if *open {
		_ = c.Send([]byte("\n"))
		r.After(silent/2, func() { ping(r, c, open) })
	}
}

// A link is a connection to one address. When the connection ends, the link connects again.
type link struct {
	r    *reactor.Reactor
	to   string
	log  *slog.Logger
	conn *reactor.Conn // nil while there is no connection
	up   func()
	down func()
	line func(text []byte)
}

func (l *link) dial() {
	open := true
	again := func(err error) {
		open = false
		l.log.Info("connection ended", "to", l.to, "error", err)
		l.conn = nil
		if l.down != nil {
			l.down()
		}
		if bug == "reconnect once" && l.up != nil {
			l.up = nil
			return
		}
		l.r.After(50*time.Millisecond, l.dial)
	}
	_, err := l.r.Dial("tcp4", l.to, &lines{
		opened: func(c *reactor.Conn) {
			l.conn = c
			l.log.Info("connected", "to", l.to)
			ping(l.r, c, &open)
			if l.up != nil {
				l.up()
			}
		},
		line:   func(_ *reactor.Conn, text []byte) { l.line(text) },
		closed: again,
	}, reactor.WithDialTimeout(silent))
	if err != nil {
		again(err)
	}
}

// send sends a line if there is a connection. The line may be lost.
func (l *link) send(text []byte) {
	if l.conn != nil {
		_ = l.conn.Send(append(text, '\n'))
	}
}
