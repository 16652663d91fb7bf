// Package micropython runs MicroPython's own tests on packages socket and sel. It also compares
// random programs with the answers of a MicroPython. Both need files of MicroPython, which are not
// in this module:
//
//	go test -v ./tests/conformance/micropython -tree DIR            # MicroPython's source tree
//	go test -v ./tests/conformance/micropython -micropython PATH    # the binary of its unix port
//
// Without the flags the tests run on small trees and programs of their own.
package micropython
