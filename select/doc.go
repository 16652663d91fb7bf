// Package sel is MicroPython's select module: Poll, IPoll and Select, over sockets, descriptor
// numbers and objects of your own. Its directory is called select, which is a keyword in Go.
//
// The cost of a poll depends on how many objects are ready, and not on how many are registered. A
// Poll has an epoll or kqueue of its own. So a loop or goroutine that waits for a Poll waits for
// one descriptor. Results are level-triggered: an object that stays ready is reported again.
//
// The package imports package socket, and through it crypto/tls. Package socket says what that
// costs.
package sel
