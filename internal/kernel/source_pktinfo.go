//go:build darwin

package kernel

import "golang.org/x/sys/unix"

// sendSource is a struct in_pktinfo: an interface, the address to leave from, an address that only
// receivers read.
func sendSource(ip [4]byte) []byte {
	var info [12]byte
	copy(info[4:], ip[:])
	return sourceMessage(unix.IP_PKTINFO, info[:])
}
