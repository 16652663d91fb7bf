// Package reactor is the event loop. One goroutine sleeps in a Poller, and turns Events into calls
// of your handlers, timers and posted functions. Tasks are coroutines on the same loop.
//
// A Reactor owns its Conns, Listeners, PacketConns, Timers and Watches. Before Run, they belong to
// the goroutine that has created the Reactor. During Run, they belong to the goroutine that has
// called Run. Other goroutines may call only Post, Conn.PostSend, Shutdown, Stats and Load, and the
// methods of a Group, which is several Reactors that share addresses. The package has no locks for
// this rule. The race detector finds a program that breaks it.
//
// The package imports about a hundred packages, but neither net/http nor crypto/tls. TLS for
// connections is in package netconn (WithTLS).
package reactor
