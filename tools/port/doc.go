// Command port changes the Go programs below a directory, in place. The programs use the API before
// v0.1.0. Afterwards they use the API of v0.1.0 (doc/api.md).
//
// Command port downloads neither version of the module. old.txt has the declarations of the old
// API, with which it resolves the names in a program. So it never renames the method of another
// package. It reports each place that must be changed by hand.
package main
