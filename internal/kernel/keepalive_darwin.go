package kernel

import "golang.org/x/sys/unix"

const (
	TCP_KEEPIDLE  = unix.TCP_KEEPALIVE
	TCP_KEEPINTVL = unix.TCP_KEEPINTVL
	TCP_KEEPCNT   = unix.TCP_KEEPCNT
)
