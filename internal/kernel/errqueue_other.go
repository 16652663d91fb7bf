//go:build !linux

package kernel

// DropErrors has nothing to drop.
func DropErrors(k Kernel, fd, n int) (dropped int) { return 0 }
