// Package longtest defines the flag -long, which turns on the slow tests: go test ./... -long. The
// flags of this package come after the packages.
//
// Developers often run go test ./..., so it takes at most 60 s on two cores. The tests of one
// package therefore use about 3 s of processor time. A slower test needs -long: a campaign, a large
// count, or a foreign program. Without -long, Count gives a test fewer rounds, and Only leaves a
// test out.
//
// With -short, the tests give a first answer after each edit. Count then gives a test its smallest
// number of rounds. Default leaves out a test that uses more than about 0.1 s of processor time,
// sleeps, or starts more than a few processes. Every property that -short tests is also tested
// without it.
//
// Without -long, a test makes the same random choices in each run, so that a failure has its cause
// in the last change. With -long, Checks and Seeds make the choices differ from run to run, and log
// the seed. Such a test finds old faults too. Add the case that it has found to the test, so that
// each run repeats it. Keys and TLS handshakes are still random: no test depends on their lengths.
//
// A test that is left out by these functions passes. A test is skipped only if something that it
// needs is missing on this machine, and .ci/run fails then. No test sleeps to wait for something,
// and none depends on the machine's speed: it awaits the event, or runs on the simulated clock.
//
// Because go test passes the flag to every package, every package with tests must import this one.
// If both -short and -long are set, -short wins.
//
// SocketPath is here because every package with tests imports this one.
package longtest
