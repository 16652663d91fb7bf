//go:build darwin

package kernel

import "golang.org/x/sys/unix"

const ipLocal = unix.IP_PKTINFO // the message that chooses the address to send from

// sendSource uses a struct in_pktinfo. Its fields are an interface, the source address, and an
// address that only a receive fills.
func sendSource(ip [4]byte) []byte {
	var info [12]byte
	copy(info[4:], ip[:])
	return sourceMessage(unix.IP_PKTINFO, info[:])
}
