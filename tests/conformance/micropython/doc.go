// Package micropython runs MicroPython's own tests on packages socket and sel. It also compares
// what random programs print on the bridge and on MicroPython. Both need files of MicroPython,
// which this module does not contain:
//
//	go test -v ./tests/conformance/micropython -tree DIR            # MicroPython's source tree
//	go test -v ./tests/conformance/micropython -micropython PATH    # the binary of its unix port
//
// Without these flags the tests use small trees and programs that this package contains.
package micropython
