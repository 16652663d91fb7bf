//go:build !linux && !freebsd && !netbsd && !dragonfly && !darwin

package kernel

const (
	TCP_KEEPIDLE  = 0
	TCP_KEEPINTVL = 0
	TCP_KEEPCNT   = 0
)
