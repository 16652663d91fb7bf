//go:build linux || freebsd || netbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// These options of level IPPROTO_TCP concern keep-alive probes. The first two are the time before
// the first probe and the time between probes, in seconds. The third one is how many probes may
// stay without an answer. An option that a system does not have is 0.
const (
	TCP_KEEPIDLE  = unix.TCP_KEEPIDLE
	TCP_KEEPINTVL = unix.TCP_KEEPINTVL
	TCP_KEEPCNT   = unix.TCP_KEEPCNT
)
