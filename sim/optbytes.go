package sim

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"

	"github.com/ureactor/ureactor/internal/kernel"
)

func (h *Host) GetOpt(fd, level, name int) (int, Errno) {
	f, v, ok := h.on(GetOpt, fd)
	if !ok {
		return 0, v.e
	}
	n, e := h.getOpt(f, level, name)
	told := n
	if level == kernel.SOL_SOCKET && name == kernel.SO_ERROR {
		told = errnoCode(Errno(n))
	}
	h.args(func() string { return optionText(level, name) })
	h.note(GetOpt, fd, told, e)
	return n, e
}

func (h *Host) SetOpt(fd, level, name, value int) Errno {
	f, v, ok := h.on(SetOpt, fd)
	if !ok {
		return v.e
	}
	e := h.setOpt(f, level, name, value)
	h.args(func() string { return optionText(level, name) + ", " + strconv.Itoa(value) })
	h.note(SetOpt, fd, value, e)
	return e
}

func (h *Host) GetOptBytes(fd, level, name int, p []byte) (int, Errno) {
	f, v, ok := h.on(GetOptBytes, fd)
	if !ok {
		return 0, v.e
	}
	n, e := h.getBytes(f, level, name, p)
	h.args(func() string { return optionText(level, name) })
	h.note(GetOptBytes, fd, n, e)
	return n, e
}

func (h *Host) SetOptBytes(fd, level, name int, p []byte) Errno {
	f, v, ok := h.on(SetOptBytes, fd)
	if !ok {
		return v.e
	}
	e := h.setBytes(f, level, name, p)
	h.sends(p)
	h.args(func() string { return optionText(level, name) })
	h.note(SetOptBytes, fd, len(p), e)
	return e
}

// setBytes sets an option from bytes: SO_LINGER, a membership of a group, or an int of four bytes.
func (h *Host) setBytes(f file, level, name int, p []byte) Errno {
	u, isUDP := f.(*udp)
	switch {
	case level == kernel.SOL_SOCKET && name == kernel.SO_LINGER:
		if len(p) < 8 {
			return kernel.EINVAL
		}
		if s, ok := f.(*tcp); ok {
			on, seconds := binary.NativeEndian.Uint32(p) != 0, binary.NativeEndian.Uint32(p[4:])
			s.linger, s.waits = on && seconds == 0, 0
			if on {
				s.waits = int(min(seconds, math.MaxInt32/100)) // Linux has this limit
			}
		}
		return 0
	case isUDP && level == kernel.IPPROTO_IP && (name == kernel.IP_ADD_MEMBERSHIP || name == kernel.IP_DROP_MEMBERSHIP):
		if len(p) < 8 {
			return kernel.EINVAL
		}
		return u.join(netip.AddrFrom4([4]byte(p)), name == kernel.IP_ADD_MEMBERSHIP)
	case isUDP && level == kernel.IPPROTO_IPV6 && (name == kernel.IPV6_JOIN_GROUP || name == kernel.IPV6_LEAVE_GROUP):
		if len(p) < 20 {
			return kernel.EINVAL
		}
		return u.join(netip.AddrFrom16([16]byte(p)), name == kernel.IPV6_JOIN_GROUP)
	case level == kernel.IPPROTO_IP && name == kernel.IP_MULTICAST_IF: // a host has one network
		return 0
	case level == kernel.SOL_SOCKET && (name == kernel.SO_RCVTIMEO || name == kernel.SO_SNDTIMEO):
		return setTime(options(f), name, p) // stored without an effect, because no call waits
	case len(p) >= 4:
		return h.setOpt(f, level, name, int(int32(binary.NativeEndian.Uint32(p))))
	}
	return kernel.EINVAL
}

func (h *Host) getBytes(f file, level, name int, p []byte) (int, Errno) {
	if level == kernel.SOL_SOCKET && name == kernel.SO_LINGER {
		v := make([]byte, 8)
		if s, ok := f.(*tcp); ok && (s.linger || s.waits > 0) {
			binary.NativeEndian.PutUint32(v, 1)
			binary.NativeEndian.PutUint32(v[4:], uint32(s.waits))
		}
		return copy(p, v), 0
	}
	if level == kernel.SOL_SOCKET && (name == kernel.SO_RCVTIMEO || name == kernel.SO_SNDTIMEO) && options(f) != nil {
		micros := get(*options(f), level, name)
		v := binary.NativeEndian.AppendUint64(nil, uint64(micros/1e6))
		return copy(p, binary.NativeEndian.AppendUint64(v, uint64(micros%1e6))), 0
	}
	v, e := h.getOpt(f, level, name)
	if e != 0 {
		return 0, e
	}
	return copy(p, binary.NativeEndian.AppendUint32(nil, uint32(int32(v)))), 0
}

// setTime stores the value of a time option, which consists of two words of 64 or 32 bits.
func setTime(list *[]option, name int, p []byte) Errno {
	var sec, micros int64
	switch {
	case list == nil || len(p) < 8:
		return kernel.EINVAL
	case len(p) < 16:
		sec, micros = int64(int32(binary.NativeEndian.Uint32(p))), int64(int32(binary.NativeEndian.Uint32(p[4:])))
	default:
		sec, micros = int64(binary.NativeEndian.Uint64(p)), int64(binary.NativeEndian.Uint64(p[8:]))
	}
	if micros < 0 || micros >= 1e6 {
		return edom
	}
	put(list, kernel.SOL_SOCKET, name, int(min(max(sec, 0), 1<<20)*1e6+micros))
	return 0
}

// edom is EDOM, which has the same number on every system.
const edom Errno = 33
