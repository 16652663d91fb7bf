package desc_test

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// Between two looks at the clock a call touches little new memory, however large its result is:
// memory that the process has not used yet costs a page fault for each page, and many of them make
// a call late. Page faults of the thread are counted, not time. Tests with a clock that moves with
// each try saw nothing of this, because growing was no try.
func TestGrowthFaultsInParts(t *testing.T) {
	const most = 16 << 20
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for name, call := range gathers {
		if name == "Line by bytes" {
			continue // the same growth, and slow
		}
		debug.FreeOSMemory()
		k, d := newEndless()
		counts := &faulting{endless: k}
		d.Kernel = counts
		recv := func(p []byte, _ int) (int, kernel.Errno) { return len(p), 0 }
		got, e := call(d, &desc.Call{Limit: timeout.Timeout(time.Hour)}, most, recv)
		if len(got) != most || e != 0 {
			t.Errorf("%s: %d bytes, %v", name, len(got), e)
		}
		// A look comes after two shares at most: 512 KiB are received, or copied, and the runtime
		// has faults of its own.
		if limit := 4 << 20 / syscall.Getpagesize(); counts.most > limit {
			t.Errorf("%s: %d page faults between two looks at the clock, want at most %d", name, counts.most, limit)
		}
	}
}

// A faulting kernel counts page faults between two looks at its clock.
type faulting struct {
	*endless
	last, most int
}

func (k *faulting) Now() timeout.Deadline {
	var u syscall.Rusage
	const thread = 1 // RUSAGE_THREAD
	if err := syscall.Getrusage(thread, &u); err != nil {
		panic(err)
	}
	faults := int(u.Minflt)
	if k.last > 0 {
		k.most = max(k.most, faults-k.last)
	}
	k.last = faults
	return k.endless.Now()
}
