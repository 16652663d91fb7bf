package socket

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
)

// InetPton returns the 4 or 16 bytes of an IP address. The text may have no blanks and no zone, and
// must not be a short form. A wrong text gives EINVAL. An unknown family gives EAFNOSUPPORT.
func InetPton(family int, text string) ([]byte, error) {
	if family != AF_INET && family != AF_INET6 {
		return nil, fail(opInetPton, kernel.EAFNOSUPPORT)
	}
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" || strings.Contains(text, "%") || ip.Is4() != (family == AF_INET) {
		return nil, fail(opInetPton, kernel.EINVAL)
	}
	return ip.AsSlice(), nil
}

// InetNtop returns the text of an IP address of 4 or 16 bytes. If b has another length, the error
// is ErrValue. If the family is unknown, the error is EAFNOSUPPORT.
func InetNtop(family int, b []byte) (string, error) {
	want := 4
	switch family {
	case AF_INET:
	case AF_INET6:
		want = 16
	default:
		return "", fail(opInetNtop, kernel.EAFNOSUPPORT)
	}
	if len(b) != want {
		return "", badValue(opInetNtop, "address of %d bytes must have %d", len(b), want)
	}
	return ntop(b), nil
}

// ntop returns the text that RFC 5952 describes. Like the C libraries, and unlike netip, it writes
// ::1.2.3.4.
func ntop(b []byte) string {
	if len(b) == 16 && [12]byte(b) == [12]byte{} && binary.BigEndian.Uint16(b[12:]) != 0 {
		return fmt.Sprintf("::%d.%d.%d.%d", b[12], b[13], b[14], b[15])
	}
	ip, _ := netip.AddrFromSlice(b)
	return ip.String()
}

// shortIPv4 parses the texts of inet_aton(3): one to four numbers, which are decimal, octal or
// hexadecimal. The last number fills the rest of the address.
func shortIPv4(text string) (ip [16]byte, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) > 4 {
		return ip, false
	}
	for i, p := range parts {
		if p == "" || strings.Trim(p, "0123456789abcdefABCDEFxX") != "" || strings.HasPrefix(p, "0b") || strings.HasPrefix(p, "0B") {
			return ip, false
		}
		base := 10
		switch {
		case len(p) > 2 && (p[:2] == "0x" || p[:2] == "0X"):
			p, base = p[2:], 16
		case len(p) > 1 && p[0] == '0':
			base = 8
		}
		n, err := strconv.ParseUint(p, base, 32)
		if err != nil {
			return ip, false
		}
		if i < len(parts)-1 {
			if n > math.MaxUint8 {
				return ip, false
			}
			ip[i] = byte(n)
			continue
		}
		for j := 3; j >= i; j-- {
			ip[j] = byte(n)
			n >>= 8
		}
		if n != 0 {
			return ip, false
		}
	}
	return ip, true
}
