package kernel

import "golang.org/x/sys/unix"

// TCP_USER_TIMEOUT is an option of TCP: after how many milliseconds without an acknowledgement the
// kernel closes the connection.
const TCP_USER_TIMEOUT = unix.TCP_USER_TIMEOUT
