//go:build linux && (386 || s390x)

package kernel

// sysAccept: these have no such number; who refuses accept4 there refuses accept.
const sysAccept = 0
