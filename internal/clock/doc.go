// Package clock reads the host's monotonic clock, by which the Pollers of the host wait.
package clock
