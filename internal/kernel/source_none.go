//go:build netbsd || dragonfly

package kernel

const ipLocal = -1 // no message chooses

// sendSource does not work: x/sys has no way to choose the source address of an IPv4 datagram.
func sendSource([4]byte) []byte { return nil }
