// Command ratios runs every program over package net and over netconn alternately. It prints one
// table of their costs:
//
//	go -C tests/programs run ./ratios -rounds 5
//
// It fails if a program fails. It also fails if a program over netconn needs more than 1.05 of its
// CPU time over package net.
package main
