package simulated

import (
	"testing"

	"github.com/ureactor/ureactor/sim/simtest"
)

// The history of the store's clients is linearizable, and the backup has what the primary has.
func TestStore(t *testing.T) { simtest.CheckWith(t, 60, options, storeWorld) }

// A term has one leader, an index one committed entry, and the clients' history is linearizable.
func TestRaft(t *testing.T) { simtest.CheckWith(t, 30, options, raftWorld) }
