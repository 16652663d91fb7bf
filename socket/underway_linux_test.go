package socket_test

import "golang.org/x/sys/unix"

// underWay returns whether TCP has sent data that the peer has not acknowledged.
func underWay(fd int) bool {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	return err == nil && info.Unacked > 0
}
