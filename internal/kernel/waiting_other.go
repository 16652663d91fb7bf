//go:build !linux

package kernel

// Waiting is not known.
func Waiting(Kernel, int) int { return -1 }
