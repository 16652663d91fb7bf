//go:build unix

package reactor

import (
	"math"
	"runtime"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Files returns the number of open descriptors and their limit, on the host and on a simulated
// kernel.
func TestFilesCountsDescriptors(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		before, allowed := r.Files()
		if !t.simulated() && runtime.GOOS != "linux" {
			if before != -1 || allowed < 1 {
				t.Errorf("Files is %d of %d, want -1 of some", before, allowed)
			}
			return
		}
		fd, e := t.k.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
		if e != 0 {
			t.Fatal(e)
		}
		t.own(fd)
		if after, _ := r.Files(); after != before+1 || after > allowed {
			t.Errorf("%d descriptors, and %d after one more, of %d", before, after, allowed)
		}
	})
}

// If a Kernel cannot count its descriptors, as a wrapper cannot, Files returns -1 and the largest
// int.
func TestFilesOfAKernelThatDoesNotCount(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor(WithKernel(t.faults()))
		if open, allowed := r.Files(); open != -1 || allowed != math.MaxInt {
			t.Errorf("Files is %d of %d", open, allowed)
		}
	})
}
