// Command echo sends back what it receives over TCP, UDP and Unix sockets. It runs one event loop
// or several.
//
// It shows three styles: callbacks of package reactor, tasks of package socket, and goroutines of
// package netconn. See echo -h for the flags.
package main
