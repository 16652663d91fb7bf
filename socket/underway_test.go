//go:build unix && !linux

package socket_test

// underWay returns false, because this system does not report it.
func underWay(int) bool { return false }
