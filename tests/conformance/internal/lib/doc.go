// Package lib builds the bridge, the C library that has packages socket and sel as Python's
// modules, and runs Python programs on it.
package lib
