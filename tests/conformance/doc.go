// Package conformance compares the output of MicroPython scripts on package socket with the output
// of the real MicroPython. The README explains how to maintain the scripts.
package conformance
