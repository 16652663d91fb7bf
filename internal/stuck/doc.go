// Package stuck finds goroutines that wait for something real: the network, a file, a lock, the
// clock of the machine. Such a goroutine keeps simulated time from advancing.
package stuck
