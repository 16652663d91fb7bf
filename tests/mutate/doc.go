// Command mutate measures the tests of this module. It changes the code in small ways, one change
// at a time. Then it runs the tests that reach the change. A change that no test notices is a
// survivor: a test is missing, the code is superfluous, or the change is equivalent to the
// original.
//
//	go run ./tests/mutate timeout poller                     # all mutants of two packages
//	go run ./tests/mutate -n 500 -seed 7 reactor             # 500, chosen by a seed
//	go run ./tests/mutate -n 500 internal/desc+socket        # mutants of two packages, tests of both
//
// The mutants of a group of packages are compiled together, with go build -overlay. There is one
// test binary for each package. Package on switches on one of the mutants. So a new mutant needs no
// compilation, only a run of the tests that reach it.
//
// The journal (-journal) has a line for each finished mutant. If a run was interrupted, the next
// run continues with the mutants that have no line. With -again, the survivors in the journal are
// tried again. The name of a mutant consists of its function, its operator and its text. So the
// journal stays valid when other code changes. The packages must have no uncommitted changes,
// because results must belong to a revision. doc/mutants.md lists the equivalent survivors, which
// do not count.
package main
