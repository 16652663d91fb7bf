//go:build openbsd || dragonfly

package kernel

// MapsIPv4: an IPv6 socket never takes IPv4.
const MapsIPv4 = false
