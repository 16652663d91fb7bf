package on

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
)

// The environment of a test binary: the number of the mutant that is switched on, and the file that
// gets the number of each mutant that is reached.
const (
	Mutant  = "UREACTOR_MUTANT"
	Reached = "UREACTOR_REACHED"
)

var (
	mutant, _ = strconv.Atoi(os.Getenv(Mutant))
	reached   = os.Getenv(Reached)
	seen      [1 << 16]atomic.Bool // by number
)

// Is returns whether the mutant is switched on. Its place in the code has been reached.
func Is(number int) bool {
	if reached != "" && seen[number%len(seen)].CompareAndSwap(false, true) {
		report(number)
	}
	return number == mutant
}

// report appends, so that the children of a test report too.
func report(number int) {
	f, err := os.OpenFile(reached, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return // the test may have used all descriptors; it reaches this place again in another run
	}
	fmt.Fprintln(f, number)
	f.Close()
}

// Pick returns mutated if the mutant is switched on, else original.
func Pick[T any](number int, mutated, original T) T {
	if Is(number) {
		return mutated
	}
	return original
}

// Zero returns the zero value of a type.
func Zero[T any]() (zero T) { return zero }
