//go:build linux || dragonfly

package kernel

import "golang.org/x/sys/unix"

// SO_BALANCE is an option that lets several sockets bind the same address. For each connection, the
// kernel chooses one of the sockets by a hash of the connection's addresses. SO_BALANCE is 0 on a
// system without such an option.
const SO_BALANCE = unix.SO_REUSEPORT
