// Package inbuf has the input of one stream that its user has not consumed yet. reactor.Input and
// socket.Input are made of it.
package inbuf
