// Command echo sends back what it receives over TCP or UDP, on one or more loops. It does what the
// example of the same name in evio does. cmd/echo is a more complete server.
//
//	go run ./examples/echo -loops 4 -port 5000
package main
