//go:build freebsd || openbsd

package kernel

import "golang.org/x/sys/unix"

func sendSource(ip [4]byte) []byte { return sourceMessage(unix.IP_SENDSRCADDR, ip[:]) }
