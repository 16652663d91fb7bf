package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// client makes calls one after the other, and repeats each call until it succeeds. Of five clients,
// three use Conns, one uses tasks, and one uses datagrams.
func (l *load) client(i int, h *sim.Host, r *reactor.Reactor) error {
	switch i % 5 {
	case 0, 1, 2:
		l.next(i, h, r)
	case 3:
		r.Go(func(t *reactor.Task) { l.taskClient(i, h, t) })
	case 4:
		l.retrying(r, func() error {
			c := &asker{l: l, i: i, h: h}
			p, err := r.ListenPacket("udp4", ":0", c)
			if err == nil {
				c.ask(p)
			}
			return err
		})
	}
	return nil
}

// bytesFor returns the bytes for one call. They are random, so two connections have different
// bytes.
func bytesFor(h *sim.Host) []byte {
	rnd := h.Rand()
	p := make([]byte, 1+rnd.Int([]int{10, 500, 5000}[rnd.Int(3)]))
	rnd.Bytes(p)
	return p
}

// next makes the next call with a Conn, until no call is left.
func (l *load) next(i int, h *sim.Host, r *reactor.Reactor) {
	if l.left[i] <= 0 {
		return
	}
	c := &caller{l: l, i: i, h: h, sent: bytesFor(h), half: h.Rand().Int(2) == 0}
	to := []string{"10.0.0.1:7", "callback.test:7", "10.0.0.2:7", "10.0.0.3:7", "10.0.0.4:7"}[h.Rand().Int(5)]
	secure := l.secure
	switch {
	case l.matrix:
		to = "10.0.0.1:7"
	case h.Rand().Int(30) == 0: // TLS costs more than everything else
		to, secure = "10.0.0.5:7", true
	}
	c.record = to == "10.0.0.1:7" || to == "callback.test:7"
	opts := append(dialTLS(secure), reactor.WithDialTimeout(5*time.Second), reactor.WithLinger(3*time.Second))
	_, err := r.Dial("tcp", to, c, opts...)
	if errors.Is(err, reactor.ErrClosed) {
		return
	}
	if err != nil {
		l.sane(err)
		r.After(10*time.Millisecond, func() { l.next(i, h, r) })
	}
}

// caller is one call with a Conn. It sends, sometimes half-closes, and reads until it has received
// everything.
type caller struct {
	l      *load
	i      int
	h      *sim.Host
	sent   []byte
	got    int
	half   bool
	record bool
	gaveUp bool
	key    string
	opened int
	closed int
}

func (c *caller) Opened(conn *reactor.Conn) {
	if c.opened++; c.opened > 1 || c.closed > 0 {
		c.l.w.Fail(fmt.Errorf("%s: Opened %d times, Closed %d", c.h, c.opened, c.closed))
	}
	if a := conn.LocalAddr(); a != nil && c.record {
		c.key = a.String()
	}
	conn.SetIdleTimeout(4 * time.Second)
	if err := conn.Send(c.sent); err != nil {
		c.l.sane(err)
		conn.Abort()
	} else if c.half {
		conn.CloseWrite()
	}
}

func (c *caller) Data(conn *reactor.Conn, p []byte) {
	switch {
	case c.closed > 0:
		c.l.w.Fail(fmt.Errorf("%s: Data after Closed", c.h))
	case len(p) > len(c.sent)-c.got || !bytes.Equal(p, c.sent[c.got:c.got+len(p)]):
		c.l.w.Fail(fmt.Errorf("%s: bytes %d … %d of %d are not what was sent", c.h, c.got, c.got+len(p), len(c.sent)))
	}
	if c.got += len(p); c.got == len(c.sent) && !c.half {
		conn.Close()
	}
}

func (c *caller) Timeout(conn *reactor.Conn, _ reactor.TimeoutKind) {
	c.gaveUp = true
	conn.Abort()
}

func (c *caller) Closed(conn *reactor.Conn, err error) {
	if c.closed++; c.closed > 1 {
		c.l.w.Fail(fmt.Errorf("%s: Closed twice", c.h))
	}
	c.l.sane(err)
	if !c.h.Up() {
		return
	}
	if c.got == len(c.sent) {
		c.l.left[c.i]--
	} else if c.key != "" && c.half && !c.gaveUp && (err == nil || !c.l.crashed) {
		c.l.short = append(c.l.short, shortage{c.key, fmt.Sprintf("%d bytes of %d and %v", c.got, len(c.sent), err)})
	}
	r := conn.Reactor()
	wait := time.Duration(1 + c.h.Rand().Int(200))
	from := r.Now()
	r.After(wait*time.Millisecond, func() {
		c.l.late(c.h, "After", from, wait*time.Millisecond)
		c.l.next(c.i, c.h, r)
	})
}

// taskClient makes its calls in a task, with sockets that wait.
func (l *load) taskClient(i int, h *sim.Host, t *reactor.Task) {
	for l.left[i] > 0 {
		if l.taskCall(i, h, t) && h.Up() {
			l.left[i]--
		}
		d := time.Duration(1+h.Rand().Int(100)) * time.Millisecond
		from := h.Now()
		if t.Sleep(d) != nil {
			return
		}
		l.late(h, "Sleep", from, d)
	}
}

// taskCall is one call: it sends and receives chunks, half-closes, and reads the end of input.
func (l *load) taskCall(i int, h *sim.Host, t *reactor.Task) (well bool) {
	s, err := socket.NewOn(t.Reactor(), socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		return false
	}
	defer s.Close()
	s.SetTimeout(timeout.Timeout(4 * time.Second))
	sent := bytesFor(h)
	to := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}[h.Rand().Int(4)]
	if l.matrix {
		to = "10.0.0.1"
	}
	if err := s.Connect(socket.Tuple(to, 7)); err != nil {
		l.sane(err)
		return false
	}
	for at := 0; at < len(sent); at += 1000 {
		chunk := sent[at:min(at+1000, len(sent))]
		_, err := s.SendAll(chunk)
		if err == nil {
			var got []byte
			got, err = s.ReadSize(len(chunk))
			if !bytes.HasPrefix(chunk, got) {
				l.w.Fail(fmt.Errorf("10.0.1.%d: %d bytes at %d are not what was sent", i+1, len(got), at))
			}
			if err == nil && len(got) < len(chunk) {
				return false // the server has closed the connection
			}
		}
		if err != nil {
			l.sane(err)
			return false
		}
	}
	if err := s.Shutdown(socket.SHUT_WR); err != nil {
		return false
	}
	rest, err := s.ReadSize(10)
	if len(rest) > 0 {
		l.w.Fail(fmt.Errorf("10.0.1.%d: %d bytes too many", i+1, len(rest)))
	}
	return err == nil
}

// asker sends a datagram repeatedly until it comes back. It has one timer, which it resets for each
// datagram.
type asker struct {
	l     *load
	i     int
	h     *sim.Host
	p     *reactor.PacketConn
	sent  []byte
	timer *reactor.Timer
	from  timeout.Deadline
}

const askAgain = 100 * time.Millisecond

func (a *asker) ask(p *reactor.PacketConn) {
	if a.p = p; a.timer == nil {
		a.timer = p.Reactor().After(time.Hour, func() {
			a.l.late(a.h, "Timer", a.from, askAgain)
			a.again()
		})
	}
	a.sent = bytesFor(a.h)
	a.again()
}

func (a *asker) again() {
	if a.l.left[a.i] <= 0 {
		a.timer.Stop()
		return
	}
	if err := a.p.SendTo(a.sent, reactor.AddrFrom(addr(a.l.servers[len(a.l.servers)-1].Name()+":7"))); errors.Is(err, reactor.ErrClosed) {
		a.timer.Stop()
		return
	}
	a.from = a.p.Reactor().Now()
	a.timer.Reset(askAgain)
}

func (a *asker) Packet(p *reactor.PacketConn, data []byte, _ reactor.Addr) {
	if bytes.Equal(data, a.sent) { // otherwise it is a late copy of an earlier datagram
		a.l.left[a.i]--
		a.ask(p)
	}
}

func (a *asker) Closed(p *reactor.PacketConn, err error) {
	a.l.sane(err)
	if a.timer != nil {
		a.timer.Stop()
	}
	if err != nil && a.h.Up() {
		if err := a.l.client(a.i, a.h, p.Reactor()); err != nil {
			a.l.w.Fail(err)
		}
	}
}
