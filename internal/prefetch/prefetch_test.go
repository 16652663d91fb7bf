package prefetch_test

import (
	"runtime"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/prefetch"
)

// A prefetch of an address where nothing is does not fault, and neither does one of a large number
// of lines.
func TestAnyAddressIsAllowed(t *testing.T) {
	for _, p := range []uintptr{0, 1, 4096, ^uintptr(0) >> 17, ^uintptr(0) >> 1, ^uintptr(0)} {
		for _, n := range []int{1, 2, 16, 1000} {
			prefetch.Lines(p, n)
		}
	}
}

// The address of a goroutine is its own as long as it lives, also after a switch.
func TestGoroutineHasAnAddress(t *testing.T) {
	here := prefetch.Goroutine()
	if known := runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"; (here != 0) != known {
		t.Fatalf("address %#x on %s", here, runtime.GOARCH)
	}
	there := make(chan uintptr)
	go func() { there <- prefetch.Goroutine() }()
	if other := <-there; here != 0 && other == here {
		t.Errorf("two goroutines at %#x", here)
	}
	if again := prefetch.Goroutine(); again != here {
		t.Errorf("%#x, before %#x", again, here)
	}
}
