//go:build unix && !linux

package socket_test

// underWay returns false, because this system does not report that.
func underWay(int) bool { return false }
