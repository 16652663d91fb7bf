//go:build !openbsd && !dragonfly

package kernel

// MapsIPv4 is true: an IPv6 socket can serve IPv4 too.
const MapsIPv4 = true
