//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A piecewise stream has its bytes in pieces. A receive returns bytes of only one piece. If gap is
// set, it returns EAGAIN once between two pieces. After the last piece it returns the end of input,
// or an error.
type piecewise struct {
	pieces [][]byte
	gap    bool
	waits  bool // the next receive finds nothing yet
	end    Errno
}

func (s *piecewise) recv(p []byte, flags int) (int, Errno) {
	if s.waits {
		s.waits = false
		return 0, kernel.EAGAIN
	}
	if len(s.pieces) == 0 {
		return 0, s.end
	}
	n := copy(p, s.pieces[0])
	if flags&kernel.MSG_PEEK != 0 {
		return n, 0
	}
	if s.pieces[0] = s.pieces[0][n:]; len(s.pieces[0]) == 0 {
		s.pieces, s.waits = s.pieces[1:], s.gap
	}
	return n, 0
}

// rest returns the bytes that nobody has received.
func (s *piecewise) rest() []byte { return bytes.Join(s.pieces, nil) }

// Fill, Gather and Line return the right bytes of the stream and leave the others, however the
// stream is cut into pieces. Most pieces have one or two bytes, and many are lines.
func TestReadsOfAllPieces(t *testing.T) {
	for seed := range longtest.Seeds(t, 500, 2000, 50_000) {
		r := rand.New(rand.NewPCG(seed, 5))
		var all []byte
		s := &piecewise{gap: r.IntN(2) == 0, end: []Errno{0, 0, kernel.ECONNRESET}[r.IntN(3)]}
		for range r.IntN(12) {
			p := make([]byte, 1+r.IntN(1<<r.IntN(10)))
			for i := range p {
				p[i] = "\nabcdefg"[r.IntN(8)]
				if len(p) > 10 && r.IntN(40) > 0 {
					p[i] = 'h'
				}
			}
			s.pieces, all = append(s.pieces, p), append(all, p...)
		}
		w := &scripted{}
		d := New(kernel.Host, 1000, w)
		w.sleep = func() Errno { d.Ready(poller.In); return 0 }
		n := 1 + r.IntN(len(all)+10)
		c := &Call{Limit: timeout.None}
		want, found := all[:min(n, len(all))], n <= len(all)
		var got []byte
		var e Errno
		name := []string{"Fill", "Gather", "Line", "Line by bytes"}[r.IntN(4)]
		switch name {
		case "Fill":
			got = make([]byte, n)
			n, e = d.Fill(c, got, s.recv)
			got = got[:n]
		case "Gather":
			got, e = d.Gather(c, n, s.recv)
		default:
			if i := bytes.IndexByte(want, '\n'); i >= 0 {
				want, found = want[:i+1], true
			}
			got, e = d.Line(c, n, name == "Line", s.recv)
		}
		if !bytes.Equal(got, want) || !bytes.Equal(s.rest(), all[len(want):]) || (e != 0) != (!found && s.end != 0) {
			t.Fatalf("seed %d: %s of %d: %q, %v, and %q is left; want %q of %q", seed, name, n, got, e, s.rest(), want, all)
		}
	}
}
