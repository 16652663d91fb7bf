package secure

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A line is the kernel of one side.
type line struct {
	kernel.Kernel
	s    *side
	in   []byte // input that has arrived
	fin  bool   // the end of input follows after in
	out  []byte // output on the way to the other side
	shut bool   // the end of output follows after out
	room int    // how many bytes Send still accepts
	cut  bool   // the next Send leaves one byte behind
	took int    // calls of Recv that did not return EAGAIN
}

func (k *line) Recv(_ int, p []byte, _ int) (int, kernel.Errno) {
	if k.s.p.broken != 0 {
		k.took++
		return 0, k.s.p.broken
	}
	n := copy(p, k.in[:min(len(k.in), 1+k.s.p.r.IntN(4000))])
	if k.in = k.in[n:]; n == 0 && !k.fin {
		return 0, kernel.EAGAIN
	}
	k.took++
	return n, 0
}

func (k *line) Send(_ int, p []byte, _ int) (int, kernel.Errno) {
	n := min(len(p), k.room)
	if k.cut && n == len(p) {
		n, k.cut, k.room = n-1, false, n-1
	}
	switch {
	case k.s.p.broken != 0:
		return 0, k.s.p.broken
	case n == 0 && len(p) > 0:
		return 0, kernel.EAGAIN
	}
	k.out = append(k.out, p[:n]...)
	k.room -= n
	return n, 0
}

func (k *line) Shutdown(_, how int) kernel.Errno {
	if how != kernel.SHUT_WR || len(k.s.out) > 0 {
		k.s.p.fail("%s: Shutdown(%d) with %d bytes of output", k.s.name, how, len(k.s.out))
	}
	k.shut = true
	return 0
}

func (k *line) Ready(int) (r poller.Readiness, e kernel.Errno) {
	if len(k.in) > 0 || k.fin || k.s.p.broken != 0 {
		r |= poller.In
	}
	if k.room > 0 || k.s.p.broken != 0 {
		r |= poller.Out
	}
	return r, 0
}

func (k *line) Close(int) kernel.Errno { return 0 }
