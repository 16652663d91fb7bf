// Package socket is MicroPython's socket module for Go. A Socket is a descriptor with one Timeout:
// timeout.None blocks, zero never waits, and any other is one deadline for a whole call.
//
// How a call waits depends on how the Socket was made. A call on a Socket of New parks the calling
// goroutine, and any number of goroutines may use the Socket. A Socket of NewOn belongs to a
// reactor's loop, and a call on it suspends the Task that calls.
//
// The package imports crypto/tls for its TLS, and so takes longer to build than package reactor
// does. The linker leaves out what a program does not use: without TLS the program is about a
// tenth larger than one of package reactor.
package socket
