//go:build race

package desc

// Poisons tells whether a Buffer is overwritten when what a task has received there is not valid
// any more.
const Poisons = true
