//go:build unix

package reactor

import (
	"testing"
)

// Many Conns have 64 KiB or more to read. A turn reads at most bytesPerTurn from Conns with Events.
// It reads as much again from Conns that the turn before has left. At the end all bytes have
// arrived.
func TestBytesOfATurnAreBounded(t *testing.T) {
	inLab(t, kinds[0], func(t *lab) {
		r := t.reactor()
		got := 0
		at := t.listen("tcp", always(&hooks{data: func(_ *Conn, p []byte) { got += len(p) }}))
		var peers []*peer
		for range 150 {
			peers = append(peers, t.dial(at))
		}
		t.until(func() bool { return r.conns == len(peers) })
		want := 0
		t.freeze(func() {
			for _, p := range peers {
				want += p.try(make([]byte, 128<<10))
			}
		})
		if want < 3*bytesPerTurn {
			t.Skipf("the kernel takes no more than %d bytes", want)
		}
		t.in(2*(bytesPerTurn+readSize), want, func() int { return got })
	})
}

// Before each turn the peer sends more, so a Conn that already has input left gets an Event too. A
// turn still reads only readSize from it.
func TestBytesOfOneConnAreBounded(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		got, want := 0, 0
		at := t.listen("tcp", always(&hooks{data: func(_ *Conn, p []byte) { got += len(p) }}))
		p := t.dial(at)
		t.until(func() bool { return r.conns == 1 })
		more := make([]byte, readSize)
		for range 3 {
			t.freeze(func() {
				for range 4 {
					want += p.try(more)
				}
			})
			for range 2 {
				before := got
				t.turn()
				t.freeze(func() { want += p.try(more) })
				if got-before > readSize {
					t.Errorf("%d bytes in one turn, want at most %d", got-before, readSize)
				}
			}
		}
		t.until(func() bool { return got == want })
	})
}

// A Filter uses up the turn's byte budget with the input of one Conn. Then each turn reads only one
// Conn that has an Event, and one Conn that the turn before has left. At the end all Conns have
// been read.
func TestWhatFiltersSpendIsBounded(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		got := 0
		at := t.listen("tcp", always(&hooks{data: func(_ *Conn, p []byte) { got += len(p) }}), WithFilters(
			func(bool) (func(*Wire) Filter, error) {
				return func(w *Wire) Filter { return &spender{trap{w: w}} }, nil
			}))
		var peers []*peer
		for range 12 {
			peers = append(peers, t.dial(at))
		}
		t.until(func() bool { return r.conns == len(peers) })
		t.freeze(func() {
			for _, p := range peers {
				p.try([]byte("x"))
			}
		})
		t.in(2, len(peers), func() int { return got })
	})
}

type spender struct{ trap }

func (f *spender) Input(p []byte) { f.w.Spend(bytesPerTurn); f.trap.Input(p) }
