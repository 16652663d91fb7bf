// Package sel is MicroPython's select module: Poll, IPoll and Select over sockets, descriptor
// numbers and objects of your own. The directory is called select, which is a keyword in Go.
//
// The cost of a Poll depends on how many objects are ready, not on how many are registered. A Poll
// is an epoll or kqueue of its own, and waiting for it is waiting for one descriptor. Results are
// level-triggered: an object that stays ready is reported again.
//
// The package imports socket, and with it crypto/tls. See package socket for what that costs.
package sel
