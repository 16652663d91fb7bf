// Package websocket tests package websocket with clients and servers from other libraries. It is a
// separate module, so that users of the root module need not download these libraries.
package websocket
