//go:build netbsd || dragonfly

package kernel

const ipLocal = -1 // no control message sets the source address

// sendSource returns nil: x/sys cannot set the source address of an IPv4 datagram on this system.
func sendSource([4]byte) []byte { return nil }
