// Command port rewrites the Go programs below a directory, in place, from the API before v0.1.0 to
// that of v0.1.0 (doc/api.md).
//
// It needs neither version of the module: old.txt has the declarations of the old API, which
// resolve the program's names. So it never renames the method of another package. It reports each
// place that needs a hand.
package main
