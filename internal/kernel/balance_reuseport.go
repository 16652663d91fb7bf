//go:build linux || dragonfly

package kernel

import "golang.org/x/sys/unix"

// SO_BALANCE lets several sockets bind the same address. The kernel chooses one of them for each
// connection, by a hash of its addresses. It is 0 where the system has no such option.
const SO_BALANCE = unix.SO_REUSEPORT
