// Command websocket is a chat for browsers. One loop serves the page and all connections. A guest
// that is silent costs a few hundred bytes, and no goroutine.
//
//	go run ./examples/websocket         # in one or two browsers: http://127.0.0.1:8080/
//
// With -compress the messages are compressed if the browser offers that, which all browsers do.
package main
