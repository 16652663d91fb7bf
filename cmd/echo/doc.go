// Command echo sends back what it receives over TCP, UDP and Unix sockets, on one or more event
// loops.
//
// It shows three styles: callbacks of package reactor, tasks of package socket, and goroutines of
// package netconn. echo -h lists the flags.
package main
