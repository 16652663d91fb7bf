//go:build unix

package reactor

import (
	"context"
	"testing"
)

// A connection goes to the first loop, in turn, that accepts posts. If none does, the loop that
// accepted the connection keeps it.
func TestConnectionGoesToTheFirstLoopThatTakesPosts(t *testing.T) {
	const loops = 5
	for taker := range loops {
		g, err := NewGroup(loops)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range g.loops {
			r.postsClosed = i != taker
		}
		served := -1
		l := &Listener{opt: &sockOptions{}, accept: func(c *Conn) Handler { served = c.Reactor().Loop(); return nil }}
		d := newDistributor(g, l)
		l.distributor, l.w.r = d, g.loops[0]
		d.parts[0], d.next = l, 1
		fd, peer := pair(t)
		d.handOff(l, fd, UnixAddr(""))
		if taker > 0 {
			_ = g.loops[taker].Turn(0)
		}
		if served != taker {
			t.Errorf("loop %d serves it, want %d", served, taker)
		}
		g.k.Close(peer)
		for _, r := range g.loops {
			r.postsClosed = false
		}
		for r := g.loops[taker]; r.owner.Load() == ownerTurn; {
			r.Close()
			if r.Turn(0) == ErrClosed {
				break
			}
		}
		_ = g.Shutdown(context.Background())
	}
}
