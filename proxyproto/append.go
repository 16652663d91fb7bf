package proxyproto

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Append appends the header in the form that a proxy sends. Version must be 1 or 2. If one address
// is IPv4 and the other is IPv6, both are written as IPv6. If Local is set or an address is
// invalid, the header says that the addresses are unknown.
//
// Version 1 has no paths and no TLVs. A path has at most 108 bytes. Append returns an error if the
// header is larger than MaxSize.
func (h *Header) Append(dst []byte) ([]byte, error) {
	switch h.Version {
	case 1:
		return h.append1(dst), nil
	case 2:
		return h.append2(dst)
	}
	return dst, fmt.Errorf("proxyproto: Append of version %d: must be 1 or 2", h.Version)
}

// ends returns both addresses in the same family, and whether that family is IPv4. If the addresses
// are unknown, ok is false.
func (h *Header) ends() (from, to netip.AddrPort, four, ok bool) {
	a, b := h.Source.Addr().Unmap().WithZone(""), h.Destination.Addr().Unmap().WithZone("")
	if h.Local || !a.IsValid() || !b.IsValid() {
		return from, to, false, false
	}
	if four = a.Is4() && b.Is4(); !four {
		a, b = netip.AddrFrom16(a.As16()), netip.AddrFrom16(b.As16())
	}
	return netip.AddrPortFrom(a, h.Source.Port()), netip.AddrPortFrom(b, h.Destination.Port()), four, true
}

func (h *Header) append1(dst []byte) []byte {
	from, to, four, ok := h.ends()
	if !ok {
		return append(dst, "PROXY UNKNOWN\r\n"...)
	}
	family := "TCP6"
	if four {
		family = "TCP4"
	}
	return fmt.Appendf(dst, "PROXY %s %s %s %d %d\r\n", family, from.Addr(), to.Addr(), from.Port(), to.Port())
}

func (h *Header) append2(dst []byte) ([]byte, error) {
	start := len(dst)
	b := append(dst, v2Prefix...)
	from, to, four, ok := h.ends()
	switch {
	case ok && four:
		b = append(b, 0x21, inet4<<4|stream, 0, 0)
		b = append(append(b, from.Addr().AsSlice()...), to.Addr().AsSlice()...)
	case ok:
		b = append(b, 0x21, inet6<<4|stream, 0, 0)
		b = append(append(b, from.Addr().AsSlice()...), to.Addr().AsSlice()...)
	case !h.Local && h.SourcePath+h.DestinationPath != "":
		if n := max(len(h.SourcePath), len(h.DestinationPath)); n > 108 {
			return dst, fmt.Errorf("proxyproto: Append of a path of %d bytes: must be 0 … 108", n)
		}
		b = append(b, 0x21, unix<<4|stream, 0, 0)
		var room [216]byte
		copy(room[:], h.SourcePath)
		copy(room[108:], h.DestinationPath)
		b = append(b, room[:]...)
	default:
		b = append(b, 0x20, 0, 0, 0)
		return b, nil
	}
	if ok {
		b = binary.BigEndian.AppendUint16(b, from.Port())
		b = binary.BigEndian.AppendUint16(b, to.Port())
	}
	b = append(b, h.TLVs...)
	if n := len(b) - start; n > MaxSize {
		return dst, fmt.Errorf("proxyproto: Append of %d bytes: must be at most %d", n, MaxSize)
	}
	binary.BigEndian.PutUint16(b[start+14:], uint16(len(b)-start-v2Fixed))
	return b, nil
}
