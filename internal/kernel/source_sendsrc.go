//go:build freebsd || openbsd

package kernel

import "golang.org/x/sys/unix"

const ipLocal = unix.IP_SENDSRCADDR // the control message that sets the source address

func sendSource(ip [4]byte) []byte { return sourceMessage(unix.IP_SENDSRCADDR, ip[:]) }
