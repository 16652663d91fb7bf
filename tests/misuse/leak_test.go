//go:build unix

package misuse

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/poller"
)

type reactorInterest = poller.Readiness

// balanced fails if f leaves descriptors open.
func balanced(t *testing.T, f func()) {
	t.Helper()
	time.Sleep(time.Nanosecond) // opens the descriptors of Go's own poller first
	before := descriptors()
	f()
	for range 10 { // the garbage collector may close descriptors late
		if descriptors() <= before {
			return
		}
		runtime.GC()
		runtime.Gosched()
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
