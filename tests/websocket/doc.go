// Package websocket tests package websocket with other libraries, as their server and as their
// client. It is a module of its own, because a user of the root module should not download them.
package websocket
