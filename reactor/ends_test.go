//go:build unix

package reactor

import "testing"

// A drain closes, and an abort ends, no more than endsPerTurn Conns in one turn, and all in the end. A Conn whose turn has not
// come is open, and hears its peer.
func TestEndsOfATurnAreBounded(t *testing.T) {
	const conns = endsPerTurn + 50
	for _, how := range []string{"drain", "abort"} {
		inLab(t, kinds[1], func(t *lab) {
			r := t.reactor()
			var all []*Conn
			heard := 0
			h := &hooks{data: func(*Conn, []byte) { heard++ }}
			var last *peer
			for range conns {
				fd, p := t.pair()
				all, last = append(all, adoptFD(t.T, r, fd, h)), p
			}
			ended := func() (n int) {
				for _, c := range all {
					if c.is(closing | over) {
						n++
					}
				}
				return n
			}
			if how == "drain" {
				r.Close()
			} else {
				r.stopNow()
			}
			before := 0
			for turns := 0; before < conns; turns++ {
				t.freeze(func() { last.try([]byte("x")) })
				t.turn()
				now := ended()
				if now-before > endsPerTurn || turns > 10 {
					t.Fatalf("turn %d: %s has ended %d Conns, then %d", turns, how, before, now)
				}
				before = now
			}
			if how == "drain" && heard == 0 {
				t.Error("an open Conn has heard nothing")
			}
		})
	}
}
