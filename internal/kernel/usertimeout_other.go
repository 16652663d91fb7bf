//go:build !linux

package kernel

// TCP_USER_TIMEOUT is 0, because this system has no such option.
const TCP_USER_TIMEOUT = 0
