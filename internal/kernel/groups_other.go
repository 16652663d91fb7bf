//go:build !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

// GroupsSharePort is false: SO_REUSEADDR is enough for sockets that share a multicast port.
const GroupsSharePort = false
