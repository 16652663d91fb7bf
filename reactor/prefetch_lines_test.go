package reactor_test

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/ureactor/ureactor/internal/prefetch"
)

// The tests of package internal/prefetch are here, because a test binary takes longer to link than
// to run. A prefetch does not fault, even if no memory is mapped at the address, and whatever the
// number of lines.
func TestPrefetchOfAnyAddress(t *testing.T) {
	for _, p := range []uintptr{0, 1, 4096, ^uintptr(0) >> 17, ^uintptr(0) >> 1, ^uintptr(0)} {
		for _, n := range []int{1, 2, 16, 1000} {
			prefetch.Lines(p, n)
		}
	}
}

// The address that Goroutine returns stays the same as long as the goroutine lives, even after
// other goroutines have run.
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

// Captured accepts nil, and closures with any number of captured variables.
func TestPrefetchOfCapturedVariables(t *testing.T) {
	prefetch.Captured(nil)
	x, y, z := new(int), new(int), new(int)
	for _, f := range []func(){func() {}, func() { *x++ }, func() { *x++; *y++ }, func() { *x++; *y++; *z++ }} {
		prefetch.Captured(*(*unsafe.Pointer)(unsafe.Pointer(&f)))
	}
}
