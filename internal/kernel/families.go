//go:build !openbsd && !dragonfly

package kernel

// MapsIPv4: an IPv6 socket can take IPv4 too.
const MapsIPv4 = true
