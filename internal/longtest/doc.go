// Package longtest defines the one flag -long, which turns on the slow tests: go test ./... -long.
//
// The rule: go test ./... is run every minute. It takes at most 60 s on two cores, so the tests of
// one package take about 3 s of processor time. Slower tests need -long: campaigns, large counts,
// foreign programs. Count gives a test fewer rounds by default. Only leaves a test out.
//
// With -short the tests are a first answer, for use after each edit. Count gives a test its
// smallest number of rounds. Default leaves out a test that takes more than about 0.1 s of
// processor time, that sleeps, or that starts processes. No property is tested with -short only.
//
// A test that is left out passes. A skipped test is therefore one that misses something on this
// machine, and .ci/run fails for it. No test sleeps to wait for something, and none depends on the
// machine's speed: it awaits the event, or runs on the simulated clock.
//
// Every package with tests imports this one, by the blank name if need be, because go test passes
// the flag to all of them. With -short and -long together, -short wins.
package longtest
