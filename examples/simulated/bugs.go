//go:build !planted

package simulated

// bug is the planted bug. Without the build tag planted there is none, and the compiler removes the
// code of all bugs.
const bug = ""
