// Package inspect shows what running loops do: on a live page, as JSON, and as text. See
// doc/operating.md.
//
// Handler is an http.Handler for your own server, at any path that ends in a slash. It opens no
// socket, and without requests it collects nothing. A loop collects its picture in its own turns,
// at most 500 connections in each. If a loop hangs, no request waits for it. Instead the answer
// says that the loop hangs, and shows its stack.
//
// Everybody who can reach the handler sees the addresses of peers. So serve it at a loopback
// address, or behind a proxy that authenticates its users.
package inspect
