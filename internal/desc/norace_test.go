//go:build !race

package desc_test

const raceEnabled = false
