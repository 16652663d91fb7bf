// Package websocket speaks WebSocket (RFC 6455) on the callbacks of a loop, as a server and as a
// client, with or without TLS. Messages may be compressed (RFC 7692).
//
// The method Accept of a Server is passed to Listen. The Server makes a Conn of each connection
// that requests WebSocket, and the Conn calls its Handler. Dial makes a client's Conn. A Hub sends
// one Frame to many Conns. A Stream is the same protocol for tasks and goroutines.
//
// A peer that breaks a rule loses its connection, with the code that the RFC names. The memory and
// the work that a peer can cause are limited.
//
// A message that arrives whole, and that fits the loop's buffer, is not copied and costs no
// allocation. A quiet connection costs 64 bytes beside its reactor.Conn.
//
// Server, Conn, Handler with its optional parts, Dial, Frame, Hub and Stream are stable, as
// doc/compatibility.md says. Compression by package compress/flate may be replaced later. Then the
// type Compression gets more fields.
package websocket
