// Package reactor is the event loop. One goroutine sleeps in a Poller and turns Events into calls
// of your handlers, timers and posted functions. Tasks are coroutines on the same loop.
//
// A Reactor owns its Conns, Listeners, PacketConns, Timers and Watches. They all belong to one
// goroutine: before Run to the goroutine that created the Reactor, and during Run to the one that
// called it. Any other goroutine may call only Post, Conn.PostSend, Shutdown and Stats, and the
// methods of a Group. A Group is several Reactors that share addresses. There are no locks on
// purpose: the race detector finds a program that breaks the rule.
//
// The package imports about a hundred packages, and neither net/http nor crypto/tls. TLS for
// connections is in package netconn (WithTLS).
package reactor
