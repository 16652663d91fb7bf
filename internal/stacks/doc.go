// Package stacks finds the stacks of a loop and of its Tasks among those of all goroutines. It does
// not need the loop, so the loop may hang.
package stacks
