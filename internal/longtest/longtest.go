package longtest

import (
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

var (
	long = flag.Bool("long", false, "run the slow tests too")
	seed = flag.Uint64("seed", 0, "the first `seed` of each test that has random steps; with -long the default is random")
)

// On reports whether the slow tests run: if -long is set and -short is not. It panics if the flags
// are not parsed yet.
func On() bool {
	return !testing.Short() && *long // Short panics if the flags are not parsed
}

// Guard is how long a test waits for something that must come. It only ends a test that hangs: on
// the slowest machine, what must come is earlier.
const Guard = 3 * time.Minute

// Count returns how often a test repeats its steps. The result is `short` with -short, `long` with
// -long, and `normal` without these flags.
func Count(short, normal, long int) int {
	switch {
	case testing.Short():
		return short
	case On():
		return long
	}
	return normal
}

// AtOnce sets how many parallel tests run at the same time. The flag -parallel overrides it. It is
// for the TestMain of a package whose parallel tests sleep.
func AtOnce(n int) {
	flag.Parse()
	if !given("test.parallel") {
		if err := flag.Set("test.parallel", fmt.Sprint(n)); err != nil {
			panic(err)
		}
	}
}

// Checks prepares rapid.Check for the test t. The number of checks is that of Count. The seed is
// always the same, but with -long it is random, and the test logs it. Package rapid writes no file
// for a failure, because a file in the clone would change later runs. The flags -rapid.checks,
// -rapid.seed and -rapid.nofailfile override this. The settings are global variables of rapid, so a
// second test that calls Checks must not run at the same time.
func Checks(t testing.TB, short, normal, long int) {
	t.Helper()
	if !checking.CompareAndSwap(false, true) {
		t.Fatal("another test that calls longtest.Checks runs at the same time: make one of them sequential")
	}
	t.Cleanup(func() { checking.Store(false) })
	checks := Count(short, normal, long)
	if testing.Short() {
		checks *= 5 // because rapid divides by 5
	}
	set(t, "rapid.checks", checks)
	set(t, "rapid.seed", 1+Seed(t))
	set(t, "rapid.nofailfile", true)
}

var checking atomic.Bool

// set gives a flag of rapid a value until t ends, if the command line does not have the flag.
func set(t testing.TB, name string, v any) {
	t.Helper()
	f := flag.Lookup(name)
	if f == nil {
		t.Fatal("the test does not import pgregory.net/rapid")
	}
	if given(name) {
		return
	}
	old := f.Value.String()
	t.Cleanup(func() { _ = f.Value.Set(old) })
	if err := f.Value.Set(fmt.Sprint(v)); err != nil {
		t.Fatal(err)
	}
}

// Seeds returns the seeds with which the test t repeats its steps, as many as Count. They are
// 0, 1, 2, … With -long the first one is random, and the test logs it.
func Seeds(t testing.TB, short, normal, long int) iter.Seq[uint64] {
	t.Helper()
	first := Seed(t)
	return func(yield func(uint64) bool) {
		for i := range uint64(Count(short, normal, long)) {
			if !yield(first + i) {
				return
			}
		}
	}
}

// Seed returns 0, and with -long a random number, which the test logs. The flag -seed overrides it.
func Seed(t testing.TB) uint64 {
	t.Helper()
	first := *seed
	if !given("seed") && On() {
		first = uint64(rand.Uint32()) // short enough to be copied by hand
	}
	if first != 0 {
		t.Logf("random: repeat it with -seed=%d", first)
	}
	return first
}

// given reports whether the command line has the flag. flag.Visit omits a flag whose Value was set
// by code instead of the command line.
func given(name string) (is bool) {
	flag.Visit(func(f *flag.Flag) { is = is || f.Name == name })
	return is
}

// Only reports whether a slow test may run: see On. If not, it logs the reason, and the test must
// return at once:
//
//	if !longtest.Only(t, "64 MiB through each of 200 connections") {
//		return
//	}
//
// go test ./... -v | grep 'only with -long' lists these tests.
func Only(t testing.TB, reason string) bool {
	t.Helper()
	if On() {
		return true
	}
	t.Logf("only with -long: %s: %s", t.Name(), reason)
	return false
}

// Default reports whether a test that -short leaves out may run. If not, it logs the reason, and
// the test must return at once:
//
//	if !longtest.Default(t, "16 MiB through one connection") {
//		return
//	}
//
// go test ./... -short -v | grep 'not with -short' lists these tests. Under the race detector these
// tests run with -short too, because .ci/run runs the race detector with -short. There, -short only
// lowers the counts.
func Default(t testing.TB, reason string) bool {
	t.Helper()
	if !testing.Short() || raceEnabled {
		return true
	}
	t.Logf("not with -short: %s: %s", t.Name(), reason)
	return false
}

// NeedsGo skips a test that runs the go command, if the machine has no go command.
// tools/cross-tests.sh makes test binaries for such machines.
func NeedsGo(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("runs the go command: ", err)
	}
	if err := exec.Command("go", "list", ".").Run(); err != nil {
		t.Skip("runs the go command in the module's source: ", err)
	}
}

// Measures reports whether a test that counts allocations may run. If not, it logs the reason, and
// the test must return at once. Such a test runs only on Linux: on the BSDs package kernel calls
// x/sys, which allocates addresses and vectors.
func Measures(t testing.TB) bool {
	t.Helper()
	if runtime.GOOS == "linux" {
		return true
	}
	t.Log("the system calls allocate on ", runtime.GOOS)
	return false
}
