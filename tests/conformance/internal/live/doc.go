// Package live runs goroutines that block on a simulated host. The clock of the simulated world
// follows the clock of the machine.
package live
