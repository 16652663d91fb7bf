//go:build !planted

package simulated

// bug is the planted bug. Without the tag planted there is none, and the compiler drops the code.
const bug = ""
