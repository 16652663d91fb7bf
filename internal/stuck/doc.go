// Package stuck finds goroutines that keep simulated time from advancing, because they wait for
// something of the machine: its network, a file, a lock, its clock.
package stuck
