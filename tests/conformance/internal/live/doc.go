// Package live has a simulated host for goroutines that block. The clock of the simulated world
// follows the clock of the machine.
package live
