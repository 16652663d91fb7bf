// Package on switches a mutant on. The tool tests/mutate compiles all mutants of a package into one
// test binary. An environment variable chooses the mutant that is active. Only the tool and the
// code that it generates import this package.
package on
