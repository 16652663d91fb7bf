// Package raft runs hashicorp/raft: elections, entries, a snapshot, a node that returns to its
// address.
package raft
