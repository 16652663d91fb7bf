//go:build openbsd || dragonfly

package kernel

// MapsIPv4 is false: an IPv6 socket never serves IPv4.
const MapsIPv4 = false
