// Package lib builds the bridge and runs Python programs on it. The bridge is a C library. Python's
// modules socket and select use packages socket and sel through it.
package lib
