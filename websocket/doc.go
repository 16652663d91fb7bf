// Package websocket implements WebSocket (RFC 6455) on the callbacks of a loop, as a server and as
// a client, with or without TLS. Messages may be compressed (RFC 7692).
//
// Pass the method Accept of a Server to Listen. The Server makes a Conn for each connection that
// requests WebSocket, and the Conn calls its Handler. Dial makes a Conn of a client. A Hub sends
// one Frame to many Conns. A Stream is a WebSocket connection for tasks and goroutines.
//
// A peer that breaks a rule loses its connection, with the code that the RFC names. The memory and
// the work that a peer can cause are limited.
//
// A message that arrives whole and fits into the loop's buffer is not copied and allocates nothing.
// A quiet connection needs 64 bytes in addition to its reactor.Conn.
//
// Server, Conn, Handler with its optional parts, Dial, Frame, Hub and Stream are stable: see
// doc/compatibility.md. Compression with package compress/flate may be replaced later. The type
// Compression then gets more fields.
package websocket
