// Package conformance compares scripts for MicroPython on package socket with the answers of the
// real MicroPython. The README says how to maintain the scripts.
package conformance
