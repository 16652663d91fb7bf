package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
)

// Two Conns make random calls that do not wait. Their kernels accept and return any number of
// bytes. For every order of the calls, all bytes arrive once and in order, and then the end of
// input. A call returns EAGAIN only if it can do nothing. Ready predicts exactly the results of the
// next Read and the next Write. In some runs the handshake fails, and in other runs the kernel
// fails. In half of the runs the Descs are those of a loop.
func TestPairsOfRandomCalls(t *testing.T) {
	cert := selfSigned(t)
	for seed := range longtest.Seeds(t, 8, 20, 4000) {
		p := newPair(t, cert, seed)
		for p.step = range 200 {
			p.random()
		}
		p.settle()
		for _, s := range p.sides {
			s.desc.Close()
		}
		if t.Failed() {
			return
		}
	}
}

// A pair is the two sides of one connection in memory.
type pair struct {
	t       *testing.T
	r       *rand.Rand
	seed    uint64
	step    int
	version uint16
	refused bool         // the client does not trust the server's certificate
	broken  kernel.Errno // the error of both kernels; 0: none
	sides   [2]*side     // the client and the server
}

// A side is one Conn, with the results of its calls so far.
type side struct {
	*Conn
	p         *pair
	name      string
	k         *line
	other     *side
	sent, got int
	ended     bool  // close_notify was sent, or will be sent before other output
	err       error // the error of the handshake
}

// lone is the Waiter of Descs that are not shared.
type lone struct {
	desc.Waiter
	b desc.Buffer
}

func (*lone) Shared() bool                           { return false }
func (*lone) Far() *bool                             { return nil }
func (w *lone) Buffer() (*desc.Buffer, kernel.Errno) { return &w.b, 0 }

type ctxKey struct{}

var quick = []tls.CurveID{tls.X25519}

func newPair(t *testing.T, cert tls.Certificate, seed uint64) *pair {
	p := &pair{t: t, r: rand.New(rand.NewPCG(seed, 2)), seed: seed}
	p.version, p.refused = []uint16{tls.VersionTLS12, tls.VersionTLS13}[seed%2], seed%8 == 7
	client := &tls.Config{InsecureSkipVerify: !p.refused, ServerName: "a", MaxVersion: p.version, CurvePreferences: quick}
	server := &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if h.Context().Value(ctxKey{}) != seed {
			p.fail("the context of the callback is not that of SetContext")
		}
		return &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: p.version, CurvePreferences: quick}, nil
	}}
	w := desc.Waiter(desc.Parked)
	if seed%4 < 2 {
		w = &lone{Waiter: w, b: desc.Buffer{P: make([]byte, 16<<10)}}
	}
	for i, cfg := range []*tls.Config{client, server} {
		s := &side{p: p, name: []string{"client", "server"}[i], k: &line{Kernel: kernel.Host, room: 1 << 20}}
		s.k.s = s
		s.Conn = NewConn(desc.New(s.k, 1<<20, w), s.k, nil, nil, func() net.Conn { return nil }, cfg, i == 1)
		p.sides[i] = s
	}
	c, s := p.sides[0], p.sides[1]
	c.other, s.other = s, c
	s.SetContext(context.WithValue(context.Background(), ctxKey{}, seed))
	if seed%3 == 0 { // the server's owner has already read some bytes
		c.Handshake(&desc.Call{})
		n := 1 + p.r.IntN(len(c.k.out))*p.r.IntN(2)
		s.Unread(c.k.out[:n:n])
		c.k.out = c.k.out[n:]
	}
	return p
}

func (p *pair) fail(format string, args ...any) {
	p.t.Helper()
	p.t.Errorf("seed %d, step %d: %s", p.seed, p.step, fmt.Sprintf(format, args...))
}

// random makes one random step of one side.
func (p *pair) random() {
	s := p.sides[p.r.IntN(2)]
	if p.seed%5 == 4 && p.step == 150 {
		p.broken = []kernel.Errno{kernel.EPIPE, kernel.ETIMEDOUT}[p.r.IntN(2)]
	}
	if !s.done() && p.r.IntN(2) == 0 { // half of the steps continue a handshake
		s.k.room = 1 << 20
		s.write(0)
		s.carry(len(s.k.out))
	}
	switch p.r.IntN(12) {
	case 0, 1:
		s.carry(p.r.IntN(len(s.k.out) + 1))
	case 2:
		s.carry(len(s.k.out))
	case 3, 4:
		s.k.room, s.k.cut = []int{0, 1, p.r.IntN(3000), 1 << 20}[p.r.IntN(4)], p.r.IntN(3) == 0
	case 5, 6:
		s.write(p.r.IntN(3) * p.r.IntN(3000))
	case 7, 8:
		s.read(1+p.r.IntN(3)*p.r.IntN(3000), p.r.IntN(2) == 0)
	case 9, 10:
		s.ready(poller.Interest(p.r.IntN(4)))
	case 11:
		if p.step > 170 && p.r.IntN(3) == 0 {
			s.closeWrite()
		}
	}
}

// settle delivers all bytes. Then each side must have received everything.
func (p *pair) settle() {
	for range 200 {
		for _, s := range p.sides {
			s.k.room, s.k.cut = 1<<20, false
			s.write(0)
			s.carry(len(s.k.out))
			s.read(3000, false)
		}
	}
	for _, s := range p.sides {
		if p.broken == 0 && !p.refused && (s.got != s.other.sent || !s.done()) {
			p.fail("%s: %d of %d bytes have come, handshake done %v", s.name, s.got, s.other.sent, s.done())
		}
		if state, ok := s.State(); ok != s.done() || ok && state.Version != p.version {
			p.fail("%s: State returns %v, %x", s.name, ok, state.Version)
		}
	}
}

// done reports whether the handshake has succeeded.
func (s *side) done() bool { return s.handshakeDone.Load() && s.session.Ready() }

// carry moves n bytes to the other side.
func (s *side) carry(n int) {
	k := s.other.k
	k.in = append(k.in, s.k.out[:n]...)
	s.k.out = s.k.out[n:]
	k.fin = s.k.shut && len(s.k.out) == 0
}

// arrived reports whether everything that the other side has sent has arrived here.
func (s *side) arrived() bool {
	return len(s.other.out)+len(s.other.k.out)+len(s.k.in) == 0 && s.k.fin == s.other.k.shut
}

// judge checks an error that is neither EAGAIN nor io.EOF.
func (s *side) judge(call string, err error) {
	s.p.t.Helper()
	switch {
	case err == nil || err == kernel.EAGAIN:
	case s.p.broken != 0:
		if err != s.p.broken && s.err == nil {
			s.p.fail("%s: %s after %v: %v", s.name, call, s.p.broken, err)
		}
		if s.desc.DeadlinePassed() && s.p.broken == kernel.ETIMEDOUT && err == s.p.broken {
			s.p.fail("%s: %s: the kernel's %v counts as a deadline", s.name, call, err)
		}
	case s.p.refused && (s.err == nil || err.Error() == s.err.Error()):
		s.err = err
	default:
		s.p.fail("%s: %s: %v, after %v", s.name, call, err, s.err)
	}
}

func (s *side) write(size int) (again bool) {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(s.sent + i)
	}
	n, err := s.Write(&desc.Call{}, data)
	s.sent += n
	switch {
	case s.ended:
		if n != 0 || err == nil && size > 0 {
			s.p.fail("%s: Write after CloseWrite: %d, %v", s.name, n, err)
		}
		return err == kernel.EAGAIN
	case err == nil && n != size:
		s.p.fail("%s: Write of %d bytes: %d", s.name, size, n)
	case err == kernel.EAGAIN && s.done() && len(s.out) == 0:
		s.p.fail("%s: Write returns EAGAIN, and no output waits", s.name)
	}
	s.judge("Write", err)
	return err == kernel.EAGAIN
}

func (s *side) read(size int, lend bool) (again bool) {
	room := make([]byte, size)
	var n int
	var err error
	if lend {
		room, err = s.Data(&desc.Call{})
		n = len(room)
	} else {
		n, err = s.Read(&desc.Call{}, room)
	}
	for i, b := range room[:n] {
		if b != byte(s.got+i) {
			s.p.fail("%s: byte %d is %d", s.name, s.got+i, b)
			break
		}
	}
	s.got += n
	switch left := s.other.sent - s.got; {
	case left < 0:
		s.p.fail("%s: %d more bytes than were sent", s.name, -left)
	case err == io.EOF:
		if left > 0 || !s.other.ended || s.session.Truncated() {
			s.p.fail("%s: the end of input, %d bytes before it, ended %v, truncated %v", s.name, left, s.other.ended, s.session.Truncated())
		}
	case err == kernel.EAGAIN && s.done() && s.arrived() && s.p.broken == 0 && (left > 0 || s.other.k.shut):
		s.p.fail("%s: Read returns EAGAIN, and %d bytes are there, ended %v", s.name, left, s.other.k.shut)
	default:
		s.judge("Read", err)
	}
	return err == kernel.EAGAIN
}

func (s *side) closeWrite() {
	err := s.CloseWrite(&desc.Call{})
	s.ended = s.ended || s.closeNotified
	if (err == nil) != s.k.shut && !errors.Is(err, s.p.broken) {
		s.p.fail("%s: CloseWrite: %v, but shut is %v", s.name, err, s.k.shut)
	}
	s.judge("CloseWrite", err)
}

// ready calls Ready, and checks the result by a Read and a Write.
func (s *side) ready(want poller.Interest) {
	began, took := s.session.Began(), s.k.took
	ready, news, e := s.Ready(want)
	if e != 0 || news != (s.k.took != took) {
		s.p.fail("%s: Ready: %v, took %v", s.name, e, news)
	}
	for _, bit := range []poller.Readiness{poller.In, poller.Out} {
		is := ready&bit != 0
		switch {
		case want&poller.Interest(bit) == 0, !began && want&poller.Interest(poller.Out) != 0:
			kernels, _ := s.k.Ready(0)
			if is != (want&poller.Interest(bit) != 0 && kernels&bit != 0) {
				s.p.fail("%s: Ready(%v) before a handshake, or not asked for: %v", s.name, want, ready)
			}
		case !s.handshakeDone.Load():
			if is {
				s.p.fail("%s: Ready(%v) in the handshake: %v", s.name, want, ready)
			}
		case bit == poller.In:
			if again := s.read(1, false); again == is {
				s.p.fail("%s: Ready(%v) is %v, and Read again %v", s.name, want, ready, again)
			}
		case bit == poller.Out:
			if again := s.write(1); again == is {
				s.p.fail("%s: Ready(%v) is %v, and Write again %v", s.name, want, ready, again)
			}
		}
	}
}
