//go:build netbsd || dragonfly

package kernel

// sendSource does not work: x/sys has no way to choose the source address of an IPv4 datagram.
func sendSource([4]byte) []byte { return nil }
