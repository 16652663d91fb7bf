// Package stacks finds the stacks of a loop and of its Tasks among those of all goroutines. The
// loop itself is not asked, so it may hang, and it pays nothing.
package stacks
