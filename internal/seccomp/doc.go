// Package seccomp runs a part of a test in a process to which a sandbox denies system calls. A
// container's profile and SystemCallFilter of a systemd unit do the same. It is for Linux.
package seccomp
