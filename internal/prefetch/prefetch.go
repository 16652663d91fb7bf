//go:build amd64 || arm64

package prefetch

// Lines prefetches n cache lines. The first one contains the address p. n must be at least 1.
func Lines(p uintptr, n int)

// Goroutine returns the address of the runtime's data about the calling goroutine. The address may
// only be passed to Lines.
func Goroutine() uintptr
