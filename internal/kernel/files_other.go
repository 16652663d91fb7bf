//go:build !linux

package kernel

// openFiles is unknown: these systems show a process its descriptors only one by one.
func openFiles() int { return -1 }
