// Package simulated contains two small distributed systems on a reactor, and the tests that find
// bugs in them: a store with a primary and a backup, and a Raft. The tests run each system under
// many seeds, with crashes that lose unsynced data, partitions, lost and reset connections, and
// short reads. At the end package porcupine checks that the history of all clients is linearizable.
//
//	go test .
//	go test -tags planted -run Planted -v .
//
// The second command plants the bugs of bugs.go one at a time, and checks that each is found.
package simulated
