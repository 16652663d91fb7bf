// Package netconn implements net.Conn, net.Listener and net.PacketConn on the sockets of package
// socket. Code that is written for package net runs on them unchanged: net/http, bufio, database
// drivers.
//
// The functions of the package park the calling goroutine, as package net does. Any goroutine may
// use the connections that they make.
//
// The methods of On(r) make connections that belong to a reactor's loop. In a task a call on such a
// connection suspends the task instead of a goroutine. So library code in blocking style runs on
// the loop. In a callback, a call that would have to wait returns EDEADLK.
//
// There is one rule for libraries in tasks: a library must not wait while it holds a lock that
// another task of the loop may need. That other task would block the loop at the lock, so the task
// with the lock could never run to unlock it. crypto/tls waits while it holds locks. So in tasks
// use Server and Client of this package instead.
//
// Errors are those of package net: *net.OpError, with os.ErrDeadlineExceeded after a deadline and
// net.ErrClosed after Close.
//
// The package imports crypto/tls. It does not import net/http.
package netconn
