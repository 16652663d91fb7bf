// Package simulated has two small distributed systems on a reactor, and the tests that find bugs in
// them: a store with a primary and a backup, and a Raft. The tests run each under many seeds:
// crashes that lose what was not synced, partitions, lost and reset connections, short reads. Then
// they check that the history of all clients is linearizable, by package porcupine.
//
//	go test .
//	go test -tags planted -run Planted -v .
//
// The second command plants each bug of bugs.go, one at a time, and checks that it is found.
package simulated
