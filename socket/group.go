package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/ureactor/ureactor/internal/kernel"
)

// groupError adds the multicast group to an error of setsockopt, if value is a membership: a struct
// ip_mreq, ip_mreqn or ipv6_mreq.
func groupError(level, name int, value []byte, err error) error {
	four := level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP)
	six := level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP)
	if err == nil || !four && !six {
		return err
	}
	leave := four && name == IP_DROP_MEMBERSHIP || six && name == IPV6_LEAVE_GROUP
	var group netip.Addr
	var at string
	switch {
	case four && len(value) >= 8:
		group = netip.AddrFrom4([4]byte(value))
		at = fmt.Sprintf("the interface with %v", netip.AddrFrom4([4]byte(value[4:])))
		if len(value) >= 12 && binary.NativeEndian.Uint32(value[8:]) != 0 {
			at = fmt.Sprintf("interface %d", int32(binary.NativeEndian.Uint32(value[8:])))
		}
	case six && len(value) >= 20:
		group = netip.AddrFrom16([16]byte(value))
		at = fmt.Sprintf("interface %d", int32(binary.NativeEndian.Uint32(value[16:])))
	case four:
		return fmt.Errorf("%w: a membership of %d bytes: must be 8, a group and an address of an interface, or 12", err, len(value))
	default:
		return fmt.Errorf("%w: a membership of %d bytes: must be 20, a group and the number of an interface", err, len(value))
	}
	switch {
	case !group.IsMulticast():
		return fmt.Errorf("%w: %v is no multicast group", err, group)
	case leave:
		return fmt.Errorf("%w: the socket is in no group %v at %s", err, group, at)
	case errors.Is(err, kernel.EADDRINUSE):
		return fmt.Errorf("%w: the socket is in group %v at %s already", err, group, at)
	}
	return fmt.Errorf("%w: group %v at %s", err, group, at)
}
