// Package inspect shows what running loops do: on a live page, as JSON, and as text. See
// doc/operating.md.
//
// Handler is an http.Handler for your own server, at any path that ends in a slash. It opens no
// socket. It collects nothing while no request comes. A loop collects its picture in its own turns,
// at most 500 connections in each. A loop that hangs is shown as hanging, with its stack: no
// request waits for it.
//
// Everybody who can reach the handler sees the addresses of peers. So serve it at a loopback
// address, or behind a proxy that checks the users.
package inspect
