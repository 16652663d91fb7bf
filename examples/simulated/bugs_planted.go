//go:build planted

package simulated

// bug is the planted bug, or "" for none.
var bug string
