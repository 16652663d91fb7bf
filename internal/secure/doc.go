// Package secure runs crypto/tls without ever blocking on the network. It holds no lock across a
// wait, and a read without input is not an error. The wait for input is outside of crypto/tls: a
// Conn waits in Desc.Do, and the filter of a reactor.Conn waits for the Events of its loop.
package secure
