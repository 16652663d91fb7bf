//go:build unix

// Command chat is a chat server in poll style. One goroutine asks a Poll which sockets are ready,
// and no other call waits. A client costs a few bytes in addition to its socket, and no goroutine
// or lock.
//
//	go run ./examples/chat 127.0.0.1:6667        # elsewhere, twice: nc 127.0.0.1 6667
package main
