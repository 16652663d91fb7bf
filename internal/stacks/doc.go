// Package stacks finds the stacks of a loop and of its Tasks among those of all goroutines. It
// works also if the loop hangs, because it does not need the loop.
package stacks
