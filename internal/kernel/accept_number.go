//go:build linux && !386 && !s390x

package kernel

import "golang.org/x/sys/unix"

const sysAccept = unix.SYS_ACCEPT
