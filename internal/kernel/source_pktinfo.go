//go:build darwin

package kernel

import "golang.org/x/sys/unix"

const ipLocal = unix.IP_PKTINFO // the control message that sets the source address

// sendSource returns a message with a struct in_pktinfo. The fields of that struct are an
// interface, the source address, and an address that only a receive sets.
func sendSource(ip [4]byte) []byte {
	var info [12]byte
	copy(info[4:], ip[:])
	return sourceMessage(unix.IP_PKTINFO, info[:])
}
