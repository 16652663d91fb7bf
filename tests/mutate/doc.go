// Command mutate measures the tests of this module. It changes the code in small ways, one at a
// time, and runs the tests that reach the change. A change that no test notices is a survivor: a
// test is missing, the code is superfluous, or the change is equivalent to the original.
//
//	go run ./tests/mutate timeout poller                     # all mutants of two packages
//	go run ./tests/mutate -n 500 -seed 7 reactor             # 500, chosen by a seed
//	go run ./tests/mutate -n 500 internal/desc+socket        # mutants of two packages, tests of both
//
// All mutants of a group of packages are compiled into one test binary for each package, with
// go build -overlay. Package on switches one of them on. So a mutant costs a run of the tests that
// reach it, and no compilation.
//
// The journal (-journal) has a line for each finished mutant. A run that was interrupted continues
// there, and -again tries its survivors again. A mutant is named by its function, its operator and
// its place, so the journal lasts when other code changes. The packages must have no uncommitted
// changes: the results would belong to no revision. doc/mutants.md lists the survivors that are
// equivalent. They do not count.
package main
