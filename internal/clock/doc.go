// Package clock reads the monotonic clock of the host. The Pollers of the host wait by this clock.
package clock
