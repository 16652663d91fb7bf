//go:build linux || freebsd || netbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// The options of level IPPROTO_TCP that set when probing begins and how often it repeats, in
// seconds; 0 where the system has none.
const (
	TCP_KEEPIDLE  = unix.TCP_KEEPIDLE
	TCP_KEEPINTVL = unix.TCP_KEEPINTVL
)
