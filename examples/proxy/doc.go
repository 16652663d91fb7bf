// Command proxy forwards TCP connections to a server, with back-pressure, half-closes and resets.
// With -send it sends the client's address to the server, in a header of the PROXY protocol. With
// -trust it expects such a header from the proxies in front of it.
//
//	go run ./cmd/echo &
//	go run ./examples/proxy -listen 127.0.0.1:8000 -to 127.0.0.1:7777 -trust 127.0.0.1/32 &
//	go run ./examples/proxy -listen 127.0.0.1:9000 -to 127.0.0.1:8000 -send 2 &
//	nc 127.0.0.1 9000
package main
