//go:build race

package reactor

// raceEnabled means that the race detector is on. The race detector allocates, so tests of
// allocations do not run.
const raceEnabled = true
