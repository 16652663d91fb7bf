// Package websocket speaks WebSocket (RFC 6455) on the callbacks of a loop, as a server and as a
// client, with or without TLS. Messages may be compressed (RFC 7692).
//
// A Server is given to Listen. It makes a Conn of each connection that asks for WebSocket, and
// calls its Handler. A peer that breaks a rule loses its connection, with the code that the RFC
// names. What a peer can make the program hold is limited, in bytes and in work.
//
// A message that arrives whole, and that fits the loop's buffer, is not copied and costs no
// allocation. A quiet connection costs 64 bytes beside its reactor.Conn.
package websocket
