package desc_test

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

// Between two readings of the clock a call touches little new memory, even if its result is large.
// New memory costs a page fault for each page, and many page faults make a call late. The test
// counts the page faults of the thread, because time would depend on the machine.
func TestGrowthFaultsInParts(t *testing.T) {
	if !longtest.Default(t, "16 MiB in several ways") {
		return
	}
	const most = 16 << 20
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for name, call := range gathers {
		if name == "Line by bytes" {
			continue // its result grows in the same way, and it is slow
		}
		debug.FreeOSMemory()
		k, d := newEndless()
		counts := &faulting{endless: k}
		d.Kernel = counts
		recv := func(p []byte, _ int) (int, kernel.Errno) {
			clear(p) // the buffer of an earlier call may contain the end of a line
			return len(p), 0
		}
		got, e := call(d, &desc.Call{Limit: timeout.Timeout(time.Hour)}, most, recv)
		if len(got) != most || e != 0 {
			t.Errorf("%s: %d bytes, %v", name, len(got), e)
		}
		// Between two readings there are at most two parts, in which 512 KiB are received or copied. The
		// runtime causes some page faults of its own.
		if limit := 4 << 20 / syscall.Getpagesize(); counts.most > limit {
			t.Errorf("%s: %d page faults between two looks at the clock, want at most %d", name, counts.most, limit)
		}
	}
}

// A faulting kernel counts the page faults between two readings of its clock.
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
