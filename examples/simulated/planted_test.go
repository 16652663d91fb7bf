//go:build planted

package simulated

import (
	"flag"
	"testing"

	"github.com/ureactor/ureactor/sim"
)

// For the report of one bug: go test -tags planted -run TestRaft . -bug "two votes" -sim.shrink
func init() { flag.StringVar(&bug, "bug", "", "plant this `bug` in TestStore and TestRaft") }

var planted = map[string]struct {
	world func(w *sim.World) error
	bugs  []string
}{
	"store": {storeWorld, []string{"short read", "reconnect once", "torn tail", "name not synced", "answer before sync", "no dedup",
		"resend from sent", "backup takes repeats"}},
	"raft": {raftWorld, []string{"vote not written", "log not synced", "two votes", "vote for a stale log", "votes of an old term count",
		"no term check in append", "no check of the entry before", "commits an old term by counting", "leader does not step down",
		"reads of the leader's memory", "answer before commit", "applies twice"}},
}

// Each planted bug makes at least one of the first 6,000 seeds fail. The rarest bug makes one in
// 300 seeds fail. Without a bug none of the first 20 seeds fails.
func TestPlantedBugsAreFound(t *testing.T) {
	for name, p := range planted {
		for _, b := range append([]string{""}, p.bugs...) {
			t.Run(name+"/"+b, func(t *testing.T) {
				bug = b
				defer func() { bug = "" }()
				seeds := uint64(6000)
				if b == "" {
					seeds = 20
				}
				for seed := uint64(1); seed <= seeds; seed++ {
					w := sim.New(seed, options(seed))
					err := p.world(w)
					if err == nil {
						err = w.Err()
					}
					w.Close()
					if err != nil && b != "" {
						t.Logf("seed %d: %.200v", seed, err)
						return
					}
					if err != nil {
						t.Fatalf("without a bug: %v", err)
					}
				}
				if b != "" {
					t.Errorf("not found in %d seeds", seeds)
				}
			})
		}
	}
}
