//go:build unix

package reactor

import (
	"fmt"
	"net"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A drain and an abort end at most endsPerTurn Conns in one turn. At the end all Conns have ended.
// A Conn that was not reached yet is still open, and receives from its peer.
func TestEndsOfATurnAreBounded(t *testing.T) {
	if !longtest.Default(t, "many connections") {
		return
	}
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
					if c.is(closing | released) {
						n++
					}
				}
				return n
			}
			if how == "drain" {
				r.Close()
			} else {
				r.abortNow()
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

// A drain and an abort reach at most endsPerTurn Tasks in one turn. At the end all Tasks have
// ended. This also holds if Tasks that were not reached yet end meanwhile. The test counts the
// ended Contexts after each turn.
func TestTaskEndsOfATurnAreBounded(t *testing.T) {
	const tasks = 2*endsPerTurn + 50
	for _, how := range []string{"drain", "abort", "drain, then abort"} {
		inLab(t, kinds[1], func(t *lab) {
			r := t.reactor()
			var all []*Task
			for i := range tasks {
				all = append(all, r.Go(func(k *Task) {
					k.Context()
					// The tasks with even numbers must be unwound.
					for e := k.Sleep(1 << 50); e != nil && i%2 == 0; e = k.Sleep(1 << 50) {
					}
					// It ends the Task that the iteration has just reached, or will reach next.
					if i < tasks-10 {
						all[i+1].Cancel()
					}
				}))
			}
			for range tasks/tasksPerTurn + 1 {
				t.turn()
			}
			ended := func() (n int) {
				for _, k := range all {
					if k.cancel&drainAsked != 0 || k.cancel&cancelAsked != 0 {
						n++
					}
				}
				return n
			}
			if how == "abort" {
				r.abortNow()
			} else {
				r.Close()
			}
			for turns, before := 0, 0; r.tasks.n > 0; turns++ {
				if how == "drain, then abort" && turns == 1 {
					r.abortNow()
				}
				t.turn()
				now := ended()
				// Each Task that runs in a turn cancels one more Task.
				if now-before > endsPerTurn+tasksPerTurn || turns > 4*tasks/tasksPerTurn {
					t.Fatalf("%s, turn %d: has reached %d Tasks, then %d", how, turns, before, now)
				}
				before = now
			}
		})
	}
}

// A drain and an abort reach at most endsPerTurn objects in one turn, of all kinds together:
// dialling Conns with and without a descriptor, Listeners and PacketConns. At the end all have
// ended. A Listener that was not reached yet accepts nothing.
func TestEndsOfAllKindsAreBounded(t *testing.T) {
	if !longtest.Default(t, "many sockets") {
		return
	}
	const each = endsPerTurn + 50
	for _, how := range []string{"drain", "abort"} {
		inLab(t, kinds[1], func(t *lab) {
			r := t.reactor()
			var ended []func() bool
			at := t.server("tcp", 10).addr()
			accepted := 0
			var last net.Addr
			for i := range each {
				c, err := r.Dial("tcp", at.String(), &hooks{})
				if err != nil {
					t.Fatal(err)
				}
				ended = append(ended, func() bool { return c.is(closing | released) })
				l, err := r.Listen("unix", fmt.Sprint("@", how, i), func(*Conn) Handler { accepted++; return nil })
				if err != nil {
					t.Fatal(err)
				}
				last = l.Addr()
				ended = append(ended, func() bool { return l.closed })
			}
			for range 2 * dialsPerTurn {
				p, err := r.ListenPacket("udp", "127.0.0.1:0", noPackets{})
				if err != nil {
					t.Fatal(err)
				}
				ended = append(ended, func() bool { return p.closed })
			}
			t.turn() // some Dials begin to connect
			if how == "drain" {
				r.Close()
			} else {
				r.abortNow()
			}
			for turns, before := 0, 0; before < len(ended); turns++ {
				if how == "drain" && turns == 1 {
					t.freeze(func() { t.dial(last) })
				}
				t.turn()
				now := 0
				for _, is := range ended {
					if is() {
						now++
					}
				}
				if now-before > endsPerTurn+1 || turns > 10 { // plus one for the Listener itself
					t.Fatalf("%s, turn %d: %d have ended, then %d", how, turns, before, now)
				}
				before = now
			}
			if accepted > 0 {
				t.Errorf("%d connections were accepted", accepted)
			}
		})
	}
}
