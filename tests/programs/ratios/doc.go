// Command ratios runs every program over package net and over netconn, one after the other, and
// prints one table of their costs:
//
//	go -C tests/programs run ./ratios -rounds 5
//
// It fails if a program fails, or if one needs more than 1.05 of the CPU that it needs over package
// net.
package main
