//go:build race

package reactor

// raceEnabled means that the race detector is on. It allocates, so tests do not count allocations.
const raceEnabled = true
