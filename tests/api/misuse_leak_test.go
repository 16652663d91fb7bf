//go:build unix

package api

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
)

type reactorInterest = poller.Readiness

// balanced fails if f leaves descriptors open.
func balanced(t *testing.T, f func()) {
	t.Helper()
	time.Sleep(time.Nanosecond) // opens the descriptors of Go's own poller first
	before := descriptors()
	f()
	// The background goroutine of package desc may close its Poller late, and the garbage collector
	// other descriptors.
	for until := time.Now().Add(longtest.Guard); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if descriptors() <= before {
			return
		}
		runtime.GC()
	}
	t.Errorf("%d descriptors are open, %d were before", descriptors(), before)
}

func descriptors() int {
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		return 0
	}
	return len(list)
}
