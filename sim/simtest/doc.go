// Package simtest runs a test in simulated worlds, one for each seed. It prints the command that
// replays a seed that failed.
package simtest
