//go:build !linux && !dragonfly && !freebsd

package kernel

// SO_BALANCE is 0: here SO_REUSEPORT delivers everything to one of the sockets.
const SO_BALANCE = 0
