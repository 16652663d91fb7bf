package sim

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/kernel"
)

// An optRule is the rule of Linux for one option: its range, its initial value, and whether only 0
// and 1 are possible.
type optRule struct {
	level, name int
	low, high   int
	initial     int
	boolean     bool
}

// linuxRules contains the options that refuse some values, or whose initial value is not 0. Options
// with the number 0 do not exist on this machine.
var linuxRules = []optRule{
	{kernel.SOL_SOCKET, kernel.SO_REUSEADDR, 0, 0, 0, true},
	{kernel.SOL_SOCKET, kernel.SO_REUSEPORT, 0, 0, 0, true},
	{kernel.SOL_SOCKET, kernel.SO_BROADCAST, 0, 0, 0, true},
	{kernel.SOL_SOCKET, kernel.SO_KEEPALIVE, 0, 0, 0, true},
	{kernel.SOL_SOCKET, kernel.SO_DONTROUTE, 0, 0, 0, true},
	{kernel.SOL_SOCKET, kernel.SO_OOBINLINE, 0, 0, 0, true},
	{kernel.SOL_SOCKET, kernel.SO_RCVLOWAT, anyLow, anyHigh, 1, false},
	{kernel.IPPROTO_TCP, kernel.TCP_NODELAY, 0, 0, 0, true},
	{kernel.IPPROTO_TCP, kernel.TCP_KEEPIDLE, 1, 32767, keepIdle, false},
	{kernel.IPPROTO_TCP, kernel.TCP_KEEPINTVL, 1, 32767, keepInterval, false},
	{kernel.IPPROTO_TCP, kernel.TCP_KEEPCNT, 1, 127, keepProbes, false},
	{kernel.IPPROTO_TCP, kernel.TCP_USER_TIMEOUT, 0, anyHigh, 0, false},
	{kernel.IPPROTO_IP, kernel.IP_MULTICAST_LOOP, 0, 0, 1, true},
	{kernel.IPPROTO_IP, kernel.IP_MULTICAST_TTL, -1, 255, 1, false},
	{kernel.IPPROTO_IPV6, kernel.IPV6_MULTICAST_LOOP, 0, 0, 1, true},
	{kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, 0, 0, 0, true},
	{kernel.IPPROTO_IPV6, kernel.IPV6_UNICAST_HOPS, -1, 255, 64, false},
	{kernel.IPPROTO_IPV6, kernel.IPV6_MULTICAST_HOPS, -1, 255, 1, false},
}

const (
	anyLow  = -1 << 31
	anyHigh = 1<<31 - 1
)

func linuxRule(level, name int) *optRule {
	if name == 0 {
		return nil
	}
	for i := range linuxRules {
		if r := &linuxRules[i]; r.level == level && r.name == name {
			return r
		}
	}
	return nil
}

// allowed returns the value that Linux stores for this one, or an error.
func (h *Host) allowed(f file, level, name, value int) (int, Errno) {
	if h.os() != Linux {
		return value, 0
	}
	r := linuxRule(level, name)
	switch {
	case level == kernel.IPPROTO_IPV6 && name == kernel.IPV6_V6ONLY && hasPort(f):
		return 0, kernel.EINVAL
	case level == kernel.IPPROTO_IP && name == kernel.IP_TTL && value != -1 && (value < 1 || value > 255):
		return 0, kernel.EINVAL
	case level == kernel.IPPROTO_IP && name == kernel.IP_TTL && value == -1:
		return defaultTTL, 0
	case level == kernel.IPPROTO_TCP && name == kernel.TCP_MAXSEG && value != 0 && (value < 88 || value > 32767):
		return 0, kernel.EINVAL
	case onLinux(h) && level == kernel.SOL_SOCKET && name == soPriority && (value < 0 || value > 6):
		return 0, kernel.EPERM
	case onLinux(h) && level == kernel.IPPROTO_TCP && (name == tcpCork || name == tcpQuickAck):
		return one(value != 0), 0
	case r == nil:
		return value, 0
	case r.boolean:
		return one(value != 0), 0
	case value < r.low || value > r.high:
		return 0, kernel.EINVAL
	case value == -1 && r.low == -1:
		return r.initial, 0
	}
	return value, 0
}

const (
	defaultTTL = 64
	defaultMSS = 536 // for a socket that is not connected
)

// initial returns the initial value of an option.
func (h *Host) initial(level, name int) int {
	switch r := linuxRule(level, name); {
	case h.os() != Linux:
		return 0
	case r != nil:
		return r.initial
	case level == kernel.IPPROTO_IP && name == kernel.IP_TTL:
		return defaultTTL
	case level == kernel.IPPROTO_TCP && name == kernel.TCP_MAXSEG:
		return defaultMSS
	case level == kernel.IPPROTO_TCP && name == tcpQuickAck:
		return 1
	}
	return 0
}

func hasPort(f file) bool {
	switch s := f.(type) {
	case *tcp:
		return s.bound
	case *udp:
		return s.bound
	}
	return false
}

// truesize returns how much of a buffer an IP datagram uses. Linux counts the memory of the
// datagram. The BSDs count 256 bytes more than the data.
func (h *Host) truesize(n int) int {
	switch {
	case h.os() != Linux:
		return n + gramCost
	case n <= 192: // Linux has a cache for this size
		return 832
	}
	return skb(n + 64) // including the headers
}

// skb returns the memory of a packet on Linux: the bytes and the structures that describe them.
func skb(n int) int {
	const head, shared = 256, 320 // sk_buff, skb_shared_info
	if n > 15<<10 {               // allocated in pages
		return head + 2*shared + n
	}
	size := 512
	for size < n+shared {
		size *= 2
	}
	return head + size
}

// These are the numbers of options that only Linux has. A simulated Linux supports them only if
// this machine runs Linux too.
const (
	soPriority  = 12
	soProtocol  = 38
	soDomain    = 39
	tcpCork     = 3
	tcpQuickAck = 12
)

func onLinux(h *Host) bool { return h.os() == Linux && runtime.GOOS == "linux" }

// linuxOnly returns the value of an option that only Linux has and that cannot be set.
func (h *Host) linuxOnly(f file, level, name int) (n int, ok bool) {
	if !onLinux(h) || level != kernel.SOL_SOCKET || name != soDomain && name != soProtocol {
		return 0, false
	}
	switch s := f.(type) {
	case *tcp:
		if n = s.family; name == soProtocol {
			n = kernel.IPPROTO_TCP
		}
	case *udp:
		if n = s.family; name == soProtocol {
			n = kernel.IPPROTO_UDP
		}
	case *unixSocket:
		if n = kernel.AF_UNIX; name == soProtocol {
			n = 0
		}
	}
	return n, true
}

// kept returns whether an option that only Linux has can be set and read, without an effect that a
// program could notice.
func (h *Host) kept(f file, level, name int) bool {
	if !onLinux(h) {
		return false
	}
	_, isTCP := f.(*tcp)
	return level == kernel.SOL_SOCKET && name == soPriority ||
		isTCP && level == kernel.IPPROTO_TCP && (name == tcpCork || name == tcpQuickAck)
}
