// Package secure runs crypto/tls without ever waiting for the network. It holds no lock across a
// wait, and a read without input is not an error. The callers wait outside: those with a Desc by
// Desc.Do, and a reactor.Conn for its Events.
package secure
