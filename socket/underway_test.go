//go:build unix && !linux

package socket_test

// underWay is not known here.
func underWay(int) bool { return false }
