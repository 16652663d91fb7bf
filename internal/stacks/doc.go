// Package stacks finds the stacks of a loop and of its Tasks among the stacks of all goroutines. It
// does not need the loop, so it also works while the loop hangs. Its tests are in reactor.
package stacks
