//go:build !race

package secure

import (
	"crypto/tls"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/secure/forge"
	"github.com/ureactor/ureactor/timeout"
)

// A Read that sleeps until a record has come, and a Write, allocate no more than crypto/tls does.
// crypto/tls alone makes the same Read and the same Write, for comparison.
func TestMessagesAllocateNothing(t *testing.T) {
	if !longtest.Measures(t) {
		return
	}
	for _, shared := range []bool{false, true} {
		const runs = 100
		w := &oneEvent{Waiter: desc.Parked, shared: shared}
		s := newSceneOn(t, w, tls.VersionTLS13)
		s.desc.ShortIsAll = true
		w.d, w.k = s.desc, s.k
		var records [2*runs + 2][]byte // AllocsPerRun makes a run more
		for i := range records {
			records[i] = s.client.Seal(forge.Application, make([]byte, 64))
		}
		room, next := make([]byte, 100), 0
		message := func(echo func() (int, error)) func() {
			return func() {
				s.k.out.Reset()
				s.k.in.Write(records[next])
				next, w.news = next+1, true
				if n, err := echo(); n != 64 || err != nil {
					t.Fatal(n, err)
				}
			}
		}
		alone := testing.AllocsPerRun(runs, message(func() (int, error) {
			n, _ := s.session.tls.Read(room)
			return s.session.tls.Write(room[:n])
		}))
		ours := testing.AllocsPerRun(runs, message(func() (int, error) {
			call := desc.Call{Limit: timeout.None}
			n, _ := s.Read(&call, room)
			call = desc.Call{Limit: timeout.None}
			return s.Write(&call, room[:n])
		}))
		if ours > alone {
			t.Errorf("shared %v: %v allocations for a message, crypto/tls alone makes %v", shared, ours, alone)
		}
	}
}
