// Package inspect shows what running loops do: on a live page, as JSON, and as text. See
// doc/operating.md.
//
// Handler is an http.Handler for your own server, at any path that ends in a slash. It opens no
// socket, and without requests it collects nothing. A loop collects its picture in its own turns,
// at most 500 connections in each. No request waits for a loop that hangs. The answer shows that
// the loop hangs, and its stack.
//
// Everybody who can reach the handler sees the addresses of peers. So serve it at a loopback
// address, or behind a proxy that checks the users.
package inspect
