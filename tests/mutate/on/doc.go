// Package on switches a mutant on. The tool tests/mutate compiles all mutants of a package into one
// test binary, and an environment variable chooses the one that takes part. Nothing else imports
// this package.
package on
