// Package seccomp runs a part of a test in a process in which a system call is denied. Containers
// and systemd units (SystemCallFilter) deny system calls in the same way. The package exists on
// Linux only.
package seccomp
