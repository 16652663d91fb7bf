package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
)

// This file is a chat. One task of the server owns one Poll and the non-blocking sockets of all
// guests. The server sends each line of a guest to all others. A guest must receive each line once,
// and the lines of one other guest in their order. Otherwise its connection must have ended, and
// then the guest connects again. The test ends when all guests are connected and have received
// every line that was said since they connected.

const (
	chatLines = 6
	lateMost  = 64 << 10 // a guest with more unsent output is disconnected
)

// A room is the state of the server.
type room struct {
	l      *load
	t      *reactor.Task
	p      *sel.Poll
	ln     *socket.Socket
	guests []*guest
	buf    []byte
}

// A guest is a connection of the room.
type guest struct {
	s    *socket.Socket
	line []byte // the beginning of a line
	out  []byte // output that the socket has not accepted; only then POLLOUT is requested
	gone bool
}

func (l *load) chatServer(_ *sim.Host, r *reactor.Reactor) error {
	r.Go(func(t *reactor.Task) {
		for {
			m := &room{l: l, t: t, buf: make([]byte, 4<<10)}
			again := m.serve()
			m.close()
			if !again || t.Sleep(20*time.Millisecond) != nil {
				return
			}
		}
	})
	return nil
}

func (m *room) close() {
	for _, g := range m.guests {
		m.drop(g)
	}
	if m.p != nil {
		m.p.Close()
	}
	if m.ln != nil {
		m.ln.Close()
	}
}

// serve returns when the Poll fails. again means that the caller should call serve again.
func (m *room) serve() (again bool) {
	if m.ln = m.l.listen(m.t.Reactor(), 7); m.ln == nil {
		return true
	}
	m.p = sel.NewOn(m.t.Reactor())
	if errors.Join(m.ln.SetBlocking(false), m.p.Register(m.ln, sel.POLLIN)) != nil {
		return true
	}
	for {
		ready, err := m.p.IPoll(-1, 0)
		if err != nil {
			m.l.sane(err)
			return !errors.Is(err, kernel.ECANCELED)
		}
		for obj, ev := range ready {
			if obj == sel.Pollable(m.ln) {
				if !m.accept() {
					return false
				}
				continue
			}
			for _, g := range m.guests {
				if obj == sel.Pollable(g.s) {
					m.turn(g, ev)
				}
			}
		}
		m.sweep()
	}
}

func (m *room) accept() bool {
	c, _, err := m.ln.Accept()
	if err != nil {
		m.l.sane(err)
		return errors.Is(err, kernel.EAGAIN) || m.t.Sleep(10*time.Millisecond) == nil
	}
	if errors.Join(c.SetBlocking(false), m.p.Register(c, sel.POLLIN)) != nil {
		c.Close()
		return true
	}
	g := &guest{s: c}
	m.guests = append(m.guests, g)
	m.say(g, []byte("hello\n"))
	return true
}

// turn reads from a guest or writes to it, depending on the readiness of its socket.
func (m *room) turn(g *guest, ev sel.Events) {
	if ev&sel.POLLOUT != 0 && !g.gone {
		m.flush(g)
	}
	if ev&^sel.POLLOUT == 0 || g.gone {
		return
	}
	n, err := g.s.RecvInto(m.buf)
	switch {
	case errors.Is(err, kernel.EAGAIN):
		return
	case err != nil || n == 0:
		m.l.sane(err)
		m.drop(g)
		return
	}
	g.line = append(g.line, m.buf[:n]...)
	for {
		i := bytes.IndexByte(g.line, '\n')
		if i < 0 {
			return
		}
		for _, other := range m.guests {
			if other != g {
				m.say(other, g.line[:i+1])
			}
		}
		g.line = g.line[i+1:]
	}
}

func (m *room) say(g *guest, line []byte) {
	if g.gone {
		return
	}
	if g.out = append(g.out, line...); len(g.out) > lateMost {
		m.drop(g)
		return
	}
	if len(g.out) == len(line) {
		m.flush(g)
	}
}

// flush sends as much as the guest's socket accepts. It requests POLLOUT exactly while output is
// left.
func (m *room) flush(g *guest) {
	n, err := g.s.SendAll(g.out)
	g.out = g.out[n:]
	mask := sel.POLLIN
	switch {
	case errors.Is(err, kernel.EAGAIN):
		mask |= sel.POLLOUT
		m.l.behind++
	case err != nil:
		m.l.sane(err)
		m.drop(g)
		return
	}
	if m.p.Modify(g.s, mask) != nil {
		m.drop(g)
	}
}

// drop ends a connection with a reset. Its pending output is lost.
func (m *room) drop(g *guest) {
	if g.gone {
		return
	}
	g.gone = true
	m.p.Unregister(g.s)
	g.s.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, resets)
	g.s.Close()
}

func (m *room) sweep() {
	kept := m.guests[:0]
	for _, g := range m.guests {
		if !g.gone {
			kept = append(kept, g)
		}
	}
	m.guests = kept
}

// A visit is one connection of a client.
type visit struct {
	l     *load
	i     int // the number of the client
	h     *sim.Host
	id    int
	in    bool // the visit was greeted and has not ended
	ended bool
	said  int
	line  []byte
	met   map[int]int // by visit: how many lines it had said when this visit was greeted
	heard map[int]int // by visit: the line to hear next, after one was heard
}

// matrixChat is a chat with four clients, for the fault matrix.
func matrixChat(l *load) {
	h := l.w.Host("10.0.0.1")
	l.servers = append(l.servers, h)
	l.boot(h, "server", l.chatServer)
	for i := range 4 {
		h := l.w.Host(fmt.Sprintf("10.0.1.%d", i+1))
		l.clients = append(l.clients, h)
		l.left = append(l.left, 1)
		l.boot(h, "client", func(h *sim.Host, r *reactor.Reactor) error { return l.chatter(i, h, r) })
	}
}

// chatter is a client. It says three lines at a time, and reads only now and then. After the end of
// its connection it connects again, until the test ends.
func (l *load) chatter(i int, h *sim.Host, r *reactor.Reactor) error {
	v := &visit{l: l, i: i, h: h, id: len(l.visits), met: map[int]int{}, heard: map[int]int{}}
	l.visits = append(l.visits, v)
	if _, err := r.Dial("tcp", "10.0.0.1:7", v, reactor.WithDialTimeout(5*time.Second)); err != nil {
		l.sane(err)
		v.end(r)
	}
	return nil
}

func (v *visit) Closed(c *reactor.Conn, err error) {
	v.l.sane(err)
	v.end(c.Reactor())
}

func (v *visit) end(r *reactor.Reactor) {
	if v.ended {
		v.l.w.Fail(fmt.Errorf("visit %d ends twice", v.id))
	}
	v.in, v.ended = false, true
	if !v.l.over {
		r.After(10*time.Millisecond, func() { v.l.chatter(v.i, v.h, r) })
	}
}

func (v *visit) Data(c *reactor.Conn, p []byte) {
	v.line = append(v.line, p...)
	for {
		i := bytes.IndexByte(v.line, '\n')
		if i < 0 {
			break
		}
		if line := string(v.line[:i]); line == "hello" {
			v.greeted(c)
		} else {
			v.hear(line)
		}
		v.line = v.line[i+1:]
	}
	if c.Pause() == nil {
		c.Reactor().After(5*time.Millisecond, func() { _ = c.Resume() }) // fails after the end
	}
	v.l.chatOver()
}

func (v *visit) greeted(c *reactor.Conn) {
	if v.in {
		v.l.w.Fail(fmt.Errorf("visit %d is greeted twice", v.id))
	}
	v.in = true
	for _, o := range v.l.visits {
		v.met[o.id] = o.said
	}
	v.say(c)
}

func (v *visit) say(c *reactor.Conn) {
	if v.said == chatLines || v.ended {
		return
	}
	var text string
	for range 3 {
		text += textOf(v.id, v.said) + "\n"
		v.said++
	}
	if err := c.Send([]byte(text)); err != nil {
		v.l.sane(err)
		_ = c.Abort()
		return
	}
	c.Reactor().After(3*time.Millisecond, func() { v.say(c) })
}

// textOf returns the nth line of a visit. Some lines are longer than half of a socket's buffer.
func textOf(visit, n int) string {
	return fmt.Sprintf("%d %d %s", visit, n, strings.Repeat("blah ", 40+(visit*7+n*13)%80))
}

// hear checks a line of another visit. It must be the line that follows the last line heard from
// that visit. The first line heard from a visit may be one that was said before this visit was
// greeted. It must not be later than the first line said after that.
func (v *visit) hear(line string) {
	from, n := -1, -1
	fmt.Sscan(line, &from, &n)
	next, before := v.heard[from]
	switch {
	case !v.in || from < 0 || from == v.id || from >= len(v.l.visits) || n >= v.l.visits[from].said || line != textOf(from, n):
		v.l.w.Fail(fmt.Errorf("visit %d heard what nobody has said: %.40q", v.id, line))
	case before && n != next, !before && n > v.met[from]:
		v.l.w.Fail(fmt.Errorf("visit %d heard line %d of visit %d after %d, and met it at %d", v.id, n, from, next-1, v.met[from]))
	}
	v.heard[from] = n + 1
}

// knows returns whether v has heard all lines that o says.
func (v *visit) knows(o *visit) bool {
	n, ok := v.heard[o.id]
	if !ok {
		n = v.met[o.id]
	}
	return n == chatLines
}

// chatOver checks whether all clients are connected and have heard everything, and then ends the
// test.
func (l *load) chatOver() {
	var here []*visit
	for _, v := range l.visits {
		if v.in {
			here = append(here, v)
		}
	}
	if len(here) < len(l.left) {
		return
	}
	for _, v := range here {
		for _, o := range here {
			if v != o && !v.knows(o) {
				return
			}
		}
	}
	for i := range l.left {
		l.left[i] = 0
	}
}
