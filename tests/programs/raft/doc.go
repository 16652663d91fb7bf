// Package raft runs hashicorp/raft: elections, entries, a snapshot, and a node that restarts at its
// old address.
package raft
