// Package threadlock reports whether a goroutine is locked to its OS thread.
package threadlock
