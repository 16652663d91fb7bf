//go:build race

package reactor

// raceEnabled: the detector allocates, so allocations are not counted.
const raceEnabled = true
