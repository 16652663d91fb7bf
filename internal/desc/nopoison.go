//go:build !race

package desc

// Poisons is whether the bytes that a task has received in a Buffer are overwritten once they are
// not valid any more.
const Poisons = false
