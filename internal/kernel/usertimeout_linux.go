package kernel

import "golang.org/x/sys/unix"

// TCP_USER_TIMEOUT is the option for how long sent data may stay without an acknowledgement, in
// milliseconds.
const TCP_USER_TIMEOUT = unix.TCP_USER_TIMEOUT
