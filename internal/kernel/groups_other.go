//go:build !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

// GroupsSharePort: for sockets that share a multicast port SO_REUSEADDR is enough.
const GroupsSharePort = false
