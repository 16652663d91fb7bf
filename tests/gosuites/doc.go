// Package gosuites runs the tests of Go's packages net, net/http and crypto/tls on the connections
// of netconn.
//
// The sources are read from GOROOT when the test runs. A program rewrites package net: its types
// hand each call to a connection of netconn, and its functions make these connections. So the tests
// run unchanged, also those that ask for a *net.TCPConn. The go command gets the rewritten files as
// an overlay, so nothing in GOROOT changes.
package gosuites
