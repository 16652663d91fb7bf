//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

import "unsafe"

// Only simulated kernels run on this system. Their control data has the form of Linux.
const (
	scmRights = 1
	ipv6Local = 50
	ipv6Class = 67
	ipLocal   = IP_RECVLOCAL
)

// A cmsgHeader is the header of a control message.
type cmsgHeader struct {
	Len         uint64
	Level, Type int32
}

const cmsgHeaderSize = 16

func cmsgLen(data int) int              { return cmsgHeaderSize + data }
func cmsgSpace(data int) int            { return cmsgHeaderSize + (data+7)&^7 }
func setCmsgLen(h *cmsgHeader, len int) { h.Len = uint64(len) }

// headerBytes returns the memory of a header as a slice.
func headerBytes(h *cmsgHeader) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(h)), unsafe.Sizeof(*h))
}
