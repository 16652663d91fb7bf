//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	scmRights = unix.SCM_RIGHTS
	ipv6Local = unix.IPV6_PKTINFO
	ipv6Class = unix.IPV6_TCLASS
)

// A cmsgHeader is the header of a control message.
type cmsgHeader = unix.Cmsghdr

func cmsgLen(data int) int              { return unix.CmsgLen(data) }
func cmsgSpace(data int) int            { return unix.CmsgSpace(data) }
func setCmsgLen(h *cmsgHeader, len int) { h.SetLen(len) }

// headerBytes returns the memory of a header as a slice.
func headerBytes(h *cmsgHeader) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(h)), unsafe.Sizeof(*h))
}

// closeRights closes received descriptors for which the caller had no room.
func closeRights(control []byte) {
	for _, fd := range RightsIn(control) {
		unix.Close(fd)
	}
}
