//go:build linux && (386 || s390x)

package kernel

// sysAccept has no number on these systems. A sandbox there that refuses accept4 refuses accept
// too.
const sysAccept = 0
