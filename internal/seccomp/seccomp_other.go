//go:build !linux

// Package seccomp is for Linux.
package seccomp
