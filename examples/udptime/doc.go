//go:build unix

// Command udptime asks a time server (SNTP, RFC 4330) for the time, in a goroutine. Its datagram
// socket has a timeout. If no answer arrives, it asks again. With -serve it is a time server:
//
//	go run ./examples/udptime -serve 127.0.0.1:1123 &
//	go run ./examples/udptime 127.0.0.1:1123
package main
