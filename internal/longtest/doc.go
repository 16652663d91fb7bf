// Package longtest defines the one flag -long, which turns on the slow tests: go test ./... -long.
//
// Developers run go test ./... every minute, so it takes at most 60 s on two cores. The tests of
// one package therefore take about 3 s of processor time. Slower tests need -long: campaigns, large
// counts, foreign programs. Count gives a test fewer rounds without -long, and Only leaves a test
// out.
//
// With -short the tests give a first answer, after each edit. Count then gives a test its smallest
// number of rounds. Default leaves out a test that takes more than about 0.1 s of processor time,
// sleeps, or starts processes. No property is tested with -short only.
//
// A test that is left out passes. So if a test is skipped, something that it needs is missing on
// this machine, and .ci/run fails. No test sleeps to wait for something, and none depends on the
// machine's speed: it awaits the event, or runs on the simulated clock.
//
// Every package with tests imports this one, if only for its effect, because go test passes the
// flag to all of them. With -short and -long together, -short wins.
package longtest
