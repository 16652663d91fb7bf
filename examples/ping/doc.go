//go:build unix

// Command ping sends ICMP echo requests, as uPing does on MicroPython. It needs permission to open
// an ICMP datagram socket (on Linux: net.ipv4.ping_group_range) or a raw socket.
//
//	go run ./examples/ping 127.0.0.1
//	go run ./examples/ping -c 3 ::1
package main
