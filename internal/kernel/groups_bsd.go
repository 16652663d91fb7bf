//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

// GroupsSharePort is true: sockets that share a multicast port need SO_REUSEPORT too.
const GroupsSharePort = true
