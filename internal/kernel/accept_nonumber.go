//go:build linux && (386 || s390x)

package kernel

// sysAccept is 0: on these systems accept is no system call of its own. If a sandbox refuses
// accept4, nothing can replace it.
const sysAccept = 0
