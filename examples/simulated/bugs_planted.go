//go:build planted

package simulated

// bug is the planted bug, "" for none.
var bug string
