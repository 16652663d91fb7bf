package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// MaxSize is the size in bytes of the largest header that Parse accepts. Version 2 permits 64 KiB,
// but real headers have a few hundred bytes.
const MaxSize = 4 << 10

var (
	// ErrIncomplete is returned by Parse if p is the beginning of a header.
	ErrIncomplete = errors.New("proxyproto: the header is incomplete")
	// ErrHeader is returned for bytes that are no header of the PROXY protocol.
	ErrHeader = errors.New("proxyproto: no valid header")
)

// A Header contains what a proxy reports about a connection.
type Header struct {
	// Version is 1 or 2.
	Version int
	// Local means that the proxy reports no client. The connection is the proxy's own (a health check,
	// for example), or the proxy does not know the addresses. Then use the addresses of the connection
	// itself.
	Local bool
	// Source is the client's address. Destination is the address to which the client has connected.
	// Both are invalid if Local is set, and for Unix sockets.
	Source, Destination netip.AddrPort
	// SourcePath and DestinationPath are the addresses of Unix sockets.
	SourcePath, DestinationPath string
	// TLVs contains the additional fields of version 2 in the format of the protocol: see TLV.
	TLVs []byte
}

// These are types of TLVs.
const (
	TLVALPN      = 0x01
	TLVAuthority = 0x02
	TLVCRC32C    = 0x03
	TLVNoOp      = 0x04
	TLVUniqueID  = 0x05
	TLVSSL       = 0x20
	TLVNetNS     = 0x30
)

// TLV returns the value of the first field with this type, and whether there is such a field.
func (h *Header) TLV(typ byte) (value []byte, ok bool) {
	for p := h.TLVs; len(p) >= 3; {
		n := int(binary.BigEndian.Uint16(p[1:])) + 3
		if n > len(p) {
			break // Parse refuses such fields
		}
		if p[0] == typ {
			return p[3:n:n], true
		}
		p = p[n:]
	}
	return nil, false
}

// Parse reads the header at the beginning of p. n is the size of the header in bytes. While more
// bytes could complete the header, Parse returns ErrIncomplete. Otherwise it returns an error that
// wraps ErrHeader. The Header contains no references to p. If there is an error, n is 0.
func Parse(p []byte) (h Header, n int, err error) {
	switch {
	case len(p) == 0:
		return h, 0, ErrIncomplete
	case p[0] == v1Prefix[0]:
		return parse1(p)
	}
	return parse2(p)
}

// bad returns an error that wraps ErrHeader, with a reason.
func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrHeader, fmt.Sprintf(format, args...))
}

// prefixed returns an error if p contradicts prefix. p may be shorter than prefix.
func prefixed(p []byte, prefix string) error {
	if k := min(len(p), len(prefix)); string(p[:k]) != prefix[:k] {
		return bad("it begins with %.16q", p)
	}
	return nil
}

const (
	v2Prefix = "\r\n\r\n\x00\r\nQUIT\n"
	v2Fixed  = 16 // bytes before the addresses
)

// The upper half of byte 13 is the family, and the lower half is the protocol. addressSize returns
// how many bytes the addresses of a family have.
const (
	unspec = 0x0
	inet4  = 0x1
	inet6  = 0x2
	unix   = 0x3
	stream = 0x1
)

var addressSize = [...]int{unspec: 0, inet4: 12, inet6: 36, unix: 216}

func parse2(p []byte) (h Header, n int, err error) {
	if err := prefixed(p, v2Prefix); err != nil {
		return h, 0, err
	}
	if len(p) < v2Fixed {
		return h, 0, ErrIncomplete
	}
	command, family, transport := p[12], p[13]>>4, p[13]&0xf
	n = v2Fixed + int(binary.BigEndian.Uint16(p[14:]))
	switch {
	case command>>4 != 2:
		return h, 0, bad("its version is %d", command>>4)
	case command&0xf > 1:
		return h, 0, bad("its command is %d", command&0xf)
	case family > unix || transport > 2:
		return h, 0, bad("its family is %#02x", p[13])
	case n > MaxSize:
		return h, 0, bad("it has %d bytes, and the limit is %d", n, MaxSize)
	case n-v2Fixed < addressSize[family] && command&0xf == 1:
		return h, 0, bad("it has %d bytes of addresses, and family %d needs %d", n-v2Fixed, family, addressSize[family])
	case len(p) < n:
		return h, 0, ErrIncomplete
	}
	h.Version = 2
	if command&0xf == 0 || family == unspec || transport == 0 {
		h.Local = true
		return h, n, nil
	}
	rest := p[v2Fixed:n]
	h.addresses(family, rest)
	if err := h.fields(p[:n], rest[addressSize[family]:]); err != nil {
		return Header{}, 0, err
	}
	return h, n, nil
}

func (h *Header) addresses(family byte, p []byte) {
	switch family {
	case inet4:
		h.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte(p)), binary.BigEndian.Uint16(p[8:]))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[4:])), binary.BigEndian.Uint16(p[10:]))
	case inet6:
		h.Source = netip.AddrPortFrom(netip.AddrFrom16([16]byte(p)), binary.BigEndian.Uint16(p[32:]))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom16([16]byte(p[16:])), binary.BigEndian.Uint16(p[34:]))
	case unix:
		h.SourcePath, h.DestinationPath = text(p[:108]), text(p[108:216])
	}
}

// text returns the bytes up to the first NUL. A NUL at the beginning belongs to the text, because
// an abstract name begins with one.
func text(p []byte) string {
	if i := bytes.IndexByte(p[1:], 0); i >= 0 {
		p = p[:i+1]
	}
	if len(p) == 1 && p[0] == 0 {
		return ""
	}
	return string(p)
}

// checksum returns the CRC-32C (Castagnoli) of the header, in which the four bytes of the checksum
// itself, at sum, count as 0. It does not use hash/crc32, which would add two packages to every
// program with a reactor.
func checksum(header []byte, sum int) uint32 {
	crc := ^uint32(0)
	for i, c := range header {
		if i < sum || i >= sum+4 {
			crc ^= uint32(c)
		}
		for range 8 {
			crc = crc>>1 ^ -(crc&1)&0x82f63b78
		}
	}
	return ^crc
}

// fields checks the TLVs and stores a copy.
func (h *Header) fields(whole, tlvs []byte) error {
	for p := tlvs; len(p) > 0; {
		if len(p) < 3 || len(p) < 3+int(binary.BigEndian.Uint16(p[1:])) {
			return bad("its fields end within one")
		}
		n := 3 + int(binary.BigEndian.Uint16(p[1:]))
		if p[0] == TLVCRC32C {
			if n != 7 {
				return bad("its checksum has %d bytes", n-3)
			}
			at := len(whole) - len(p) + 3
			if checksum(whole, at) != binary.BigEndian.Uint32(whole[at:]) {
				return bad("its checksum is wrong")
			}
		}
		p = p[n:]
	}
	h.TLVs = append([]byte(nil), tlvs...)
	return nil
}
