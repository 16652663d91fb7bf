// Package netconn implements net.Conn, net.Listener and net.PacketConn on the sockets of package
// socket. Code that is written for package net runs on them unchanged: net/http, bufio, database
// drivers.
//
// The functions of the package park the calling goroutine, as package net does. Any goroutine may
// use the connections that they make.
//
// The methods of On(r) make connections that belong to a reactor's loop. In a task their calls
// suspend the task, so library code in blocking style runs on the loop, without goroutines. In a
// callback, a call that would have to wait returns EDEADLK. There is one rule for libraries in
// tasks. A library must not wait while it holds a lock that another task of the loop may need. That
// task would block the loop, and the owner of the lock could not run to unlock it. crypto/tls waits
// while it holds locks, so in tasks use Server and Client of this package instead.
//
// Errors are package net's: *net.OpError, with os.ErrDeadlineExceeded after a deadline and
// net.ErrClosed after Close.
//
// The package imports crypto/tls. It does not import net/http.
package netconn
