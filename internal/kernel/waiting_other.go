//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

func waiting(Kernel, int) int { return -1 }
