package on

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
)

// Max is one more than the greatest number of a mutant.
const Max = 1 << 16

// The names of environment variables for a test binary. Mutant has the number of the active mutant.
// Reached has the name of the file to which the binary writes the numbers of the mutants that it
// reaches.
const (
	Mutant  = "UREACTOR_MUTANT"
	Reached = "UREACTOR_REACHED"
)

var (
	mutant, _ = strconv.Atoi(os.Getenv(Mutant))
	reached   = open(os.Getenv(Reached))
	seen      [Max]atomic.Bool // by number
)

// open opens the file before the tests begin, because a test may use up all descriptors.
func open(name string) *os.File {
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	stop(err)
	return f
}

// stop ends the process if there is an error, because its report would be incomplete.
func stop(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutant:", err)
		os.Exit(3)
	}
}

// Is returns whether the mutant is active. The program calls it when it reaches the mutant's place
// in the code.
func Is(number int) bool {
	if reached != nil && !seen[number].Load() && seen[number].CompareAndSwap(false, true) {
		// One write appends the line, because the test's children write to the same file.
		_, err := fmt.Fprintln(reached, number)
		stop(err)
	}
	return number == mutant
}

// Pick returns mutated if the mutant is active, and original otherwise.
func Pick[T any](number int, mutated, original T) T {
	if Is(number) {
		return mutated
	}
	return original
}

// Zero returns the zero value of a type.
func Zero[T any]() (zero T) { return zero }
