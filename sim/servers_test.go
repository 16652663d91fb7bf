package sim_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// retrying calls f until it succeeds. With faults a server may need several attempts to start.
func (l *load) retrying(r *reactor.Reactor, f func() error) {
	err := f()
	l.sane(err)
	if err == nil || errors.Is(err, reactor.ErrClosed) {
		return
	}
	from := r.Now()
	r.After(20*time.Millisecond, func() {
		l.late(r.Kernel().(*sim.Host), "After", from, 20*time.Millisecond)
		l.retrying(r, f)
	})
}

// callbackServer is an echo server with Handlers.
func (l *load) callbackServer(h *sim.Host, r *reactor.Reactor) error {
	return l.callbacks(h, r, l.secure)
}

func (l *load) tlsServer(h *sim.Host, r *reactor.Reactor) error { return l.callbacks(h, r, true) }

func (l *load) callbacks(h *sim.Host, r *reactor.Reactor, secure bool) error {
	opts := append(listenTLS(secure), reactor.WithLinger(10*time.Second))
	l.retrying(r, func() error {
		_, err := r.Listen("tcp", ":7", func(c *reactor.Conn) reactor.Handler {
			s := &served{l: l, h: h}
			if a := c.RemoteAddr(); a != nil {
				s.key = a.String()
				delete(l.ends, s.key)
			}
			c.SetIdleTimeout(20 * time.Second)
			return s
		}, opts...)
		return err
	})
	return nil
}

// served is one connection of the callback server.
type served struct {
	l      *load
	h      *sim.Host
	key    string
	opened int
	closed int
}

func (s *served) Opened(*reactor.Conn) {
	if s.opened++; s.opened > 1 || s.closed > 0 {
		s.l.w.Fail(fmt.Errorf("%s: Opened %d times, Closed %d", s.h, s.opened, s.closed))
	}
}

func (s *served) Data(c *reactor.Conn, p []byte) {
	if s.closed > 0 {
		s.l.w.Fail(fmt.Errorf("%s: Data after Closed", s.h))
	}
	var err error
	if len(p)%3 == 0 {
		err = c.SendV(p[:len(p)/3], p[len(p)/3:])
	} else {
		err = c.Send(p)
	}
	if err != nil {
		s.l.sane(err)
		c.Abort()
	}
}

func (s *served) Timeout(c *reactor.Conn, _ reactor.TimeoutKind) { c.Abort() }

func (s *served) Closed(c *reactor.Conn, err error) {
	if s.closed++; s.closed > 1 {
		s.l.w.Fail(fmt.Errorf("%s: Closed twice", s.h))
	}
	s.l.sane(err)
	if s.key != "" && s.h == s.l.servers[0] && s.h.Up() && !s.l.drains[c.Reactor()] {
		s.l.ends[s.key] = err
	}
}

// taskServer is an echo server with blocking calls in tasks.
func (l *load) taskServer(h *sim.Host, r *reactor.Reactor) error {
	r.Go(func(t *reactor.Task) {
		var ln *socket.Socket
		for ln = l.listen(r, 7); ln == nil; ln = l.listen(r, 7) {
			if t.Sleep(20*time.Millisecond) != nil {
				return
			}
		}
		defer ln.Close()
		for {
			c, _, err := ln.Accept()
			if err == nil {
				t.Go(func(t *reactor.Task) { l.serve(t, h, c) })
				continue
			}
			l.sane(err)
			from := h.Now()
			if errors.Is(err, kernel.ECANCELED) || t.Sleep(10*time.Millisecond) != nil {
				return
			}
			l.late(h, "Sleep", from, 10*time.Millisecond)
		}
	})
	return nil
}

func (l *load) listen(r *reactor.Reactor, port int) *socket.Socket {
	s, err := socket.NewOn(r, socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		return nil
	}
	err = errors.Join(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, true), s.Bind(socket.Tuple("0.0.0.0", port)))
	if err == nil {
		err = s.Listen(100)
	}
	if err != nil {
		l.sane(err)
		s.Close()
		return nil
	}
	return s
}

var resets = binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, 1), 0)

// serve serves one connection. If it cannot send an echo, it resets the connection.
func (l *load) serve(t *reactor.Task, h *sim.Host, c *socket.Socket) {
	defer c.Close()
	limit := 20 * time.Second
	c.SetTimeout(timeout.Timeout(limit))
	buf := make([]byte, 4<<10)
	for {
		from := h.Now()
		n, err := c.RecvInto(buf)
		if err == nil && n == 0 {
			return
		}
		if err == nil {
			_, err = c.SendAll(buf[:n])
		} else if errors.Is(err, kernel.ETIMEDOUT) && l.strict && !l.matrix {
			l.late(h, "Recv", from, limit)
		}
		if err != nil {
			l.sane(err)
			c.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, resets)
			return
		}
	}
}

// pollServer is an echo server with one Poll and non-blocking sockets.
func (l *load) pollServer(_ *sim.Host, r *reactor.Reactor) error {
	r.Go(func(t *reactor.Task) {
		for {
			again := l.pollEcho(t)
			if !again || t.Sleep(20*time.Millisecond) != nil {
				return
			}
		}
	})
	return nil
}

type owing struct {
	s   *socket.Socket
	out []byte
	end bool
}

// pollEcho serves until the Poll fails. again means that the caller should call it again.
func (l *load) pollEcho(t *reactor.Task) (again bool) {
	ln := l.listen(t.Reactor(), 7)
	if ln == nil {
		return true
	}
	p := sel.NewOn(t.Reactor())
	var all []*owing
	drop := func(o *owing) {
		p.Unregister(o.s)
		o.s.Close()
		for i := range all {
			if all[i] == o {
				all = append(all[:i], all[i+1:]...)
				return
			}
		}
	}
	defer func() {
		for len(all) > 0 {
			drop(all[0])
		}
		p.Unregister(ln)
		ln.Close()
		p.Close()
	}()
	if errors.Join(ln.SetBlocking(false), p.Register(ln, sel.POLLIN)) != nil {
		return true
	}
	buf := make([]byte, 4<<10)
	for {
		if _, err := p.IPoll(-1, 0); err != nil {
			l.sane(err)
			return !errors.Is(err, kernel.ECANCELED)
		}
		for {
			obj, _, ok := p.Next()
			if !ok {
				break
			}
			if obj == sel.Pollable(ln) {
				if c, _, err := ln.Accept(); err == nil {
					o := &owing{s: c}
					if errors.Join(c.SetBlocking(false), p.Register(c, sel.POLLIN)) != nil {
						c.Close()
						continue
					}
					all = append(all, o)
				} else if l.sane(err); !errors.Is(err, kernel.EAGAIN) && t.Sleep(10*time.Millisecond) != nil {
					return false
				}
				continue
			}
			for _, o := range all {
				if obj == sel.Pollable(o.s) && !l.turn(p, o, buf) {
					drop(o)
					break
				}
			}
		}
	}
}

// turn reads or writes, depending on the Poll's result. If turn returns false, the connection ends.
func (l *load) turn(p *sel.Poll, o *owing, buf []byte) bool {
	if len(o.out) == 0 && !o.end {
		n, err := o.s.RecvInto(buf)
		switch {
		case errors.Is(err, kernel.EAGAIN):
			return true
		case err != nil:
			l.sane(err)
			o.s.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, resets)
			return false
		case n == 0:
			return false
		}
		o.out = append(o.out, buf[:n]...)
	}
	n, err := o.s.SendAll(o.out)
	if o.out = o.out[n:]; err != nil && !errors.Is(err, kernel.EAGAIN) {
		l.sane(err)
		o.s.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, resets)
		return false
	}
	mask := sel.POLLIN
	if len(o.out) > 0 {
		mask = sel.POLLOUT
	}
	return p.Modify(o.s, mask) == nil
}

// packetServer is an echo server for datagrams.
func (l *load) packetServer(_ *sim.Host, r *reactor.Reactor) error {
	l.retrying(r, func() error {
		_, err := r.ListenPacket("udp4", ":7", packetEcho{l, r})
		return err
	})
	return nil
}

type packetEcho struct {
	l *load
	r *reactor.Reactor
}

func (packetEcho) Packet(c *reactor.PacketConn, p []byte, from reactor.Addr) { c.SendTo(p, from) }
func (e packetEcho) Closed(_ *reactor.PacketConn, err error) {
	e.l.sane(err)
	if err != nil {
		e.l.packetServer(nil, e.r)
	}
}
