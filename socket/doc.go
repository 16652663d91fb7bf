// Package socket is MicroPython's socket module for Go. A Socket is a descriptor with one Timeout:
// timeout.None blocks, zero never waits, and any other is one deadline for a whole call.
//
// How a call waits depends on how the Socket was made. A call on a Socket of New parks the calling
// goroutine, and any number of goroutines may use the Socket. A Socket of NewOn belongs to a
// reactor's loop, and a call on it suspends the Task that calls.
//
// The package imports crypto/tls, so it takes longer to build than package reactor does. The linker
// leaves out the parts that a program does not use. A program that uses no TLS is about a tenth
// larger than one that uses package reactor alone.
package socket
