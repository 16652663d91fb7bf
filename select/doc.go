// Package sel is MicroPython's select module: Poll, IPoll and Select over sockets, descriptor
// numbers and objects of your own. The directory is called select, which is a keyword in Go.
//
// The cost of a Poll depends on how many objects are ready, not on how many are registered. A Poll
// is an epoll or kqueue of its own. So a loop or goroutine that waits for a Poll waits for one
// descriptor. Results are level-triggered: an object that stays ready is reported again.
//
// The package imports socket, and thereby crypto/tls. Package socket says what that costs.
package sel
