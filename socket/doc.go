// Package socket is MicroPython's socket module for Go. A Socket is a descriptor with one Timeout,
// which limits each call. With timeout.None a call waits without limit, and with zero it never
// waits.
//
// How a call waits depends on how the Socket was made. On a Socket of New, a call parks the calling
// goroutine, and any number of goroutines may use the Socket. A Socket of NewOn belongs to the loop
// of a reactor. A call on it suspends the Task that calls.
//
// The package imports crypto/tls, so it takes longer to build than package reactor. The linker
// omits the parts that a program does not use. A program that uses no TLS is about a tenth larger
// than one that uses only package reactor.
package socket
