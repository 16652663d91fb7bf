package simulated

import (
	"testing"

	"github.com/ureactor/ureactor/sim/simtest"
)

// The history of the store's clients is linearizable, and the backup has the same data as the
// primary.
func TestStore(t *testing.T) { simtest.CheckWith(t, 60, options, storeWorld) }

// Each term has at most one leader, each index at most one committed entry, and the history of the
// clients is linearizable.
func TestRaft(t *testing.T) { simtest.CheckWith(t, 30, options, raftWorld) }
