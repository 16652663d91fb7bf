// Command websocket is a chat for browsers. One loop serves the page and all connections: a guest
// that is silent costs a few hundred bytes, and no goroutine.
//
//	go run ./examples/websocket         # a browser or two: http://127.0.0.1:8080/
//
// With -compress the messages are compressed for browsers that offer it, which is all of them.
package main
