//go:build linux || freebsd || netbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// The options of level IPPROTO_TCP for keep-alive probes: when they begin and how often they
// repeat, in seconds, and how many may have no answer. An option is 0 where the system has none.
const (
	TCP_KEEPIDLE  = unix.TCP_KEEPIDLE
	TCP_KEEPINTVL = unix.TCP_KEEPINTVL
	TCP_KEEPCNT   = unix.TCP_KEEPCNT
)
