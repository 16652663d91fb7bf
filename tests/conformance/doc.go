// Package conformance compares the output of MicroPython scripts on package socket with the output
// of the real MicroPython. The README explains how to maintain the scripts.
//
// TestTree runs MicroPython's own tests. TestRandomProgramsPrintTheSame compares what random
// programs print on the bridge and on MicroPython. Both need files of MicroPython, which this
// module does not contain:
//
//	go test -v ./tests/conformance -tree DIR            # MicroPython's source tree
//	go test -v ./tests/conformance -micropython PATH    # the binary of its unix port
//
// Without these flags the tests use small trees and programs that this package contains.
//
// TestGoSuites runs the tests of Go's packages net, net/http and crypto/tls on connections of
// package netconn. It reads the sources from GOROOT and rewrites package net. The rewritten
// functions of package net make connections of netconn. The rewritten types of package net pass
// each call to such a connection. So the tests run unchanged, even tests that need a *net.TCPConn.
// The go command gets the rewritten files as an overlay, and GOROOT does not change.
package conformance
