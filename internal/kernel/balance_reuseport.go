//go:build linux || dragonfly

package kernel

import "golang.org/x/sys/unix"

// SO_BALANCE lets sockets bind the same address and has the kernel choose, by a hash of a
// connection's addresses, which of them it goes to. 0 where no option does.
const SO_BALANCE = unix.SO_REUSEPORT
