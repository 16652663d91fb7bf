//go:build amd64 || arm64

package prefetch

// Lines prefetches n cache lines of 64 bytes, n > 0, from the line of p on.
func Lines(p uintptr, n int)

// Goroutine returns where the runtime keeps what belongs to the calling goroutine. The address is
// for Lines only.
func Goroutine() uintptr
