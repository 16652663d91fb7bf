//go:build unix

// Command ping sends ICMP echo requests, as uPing does on MicroPython. It needs the right to open a
// raw socket, or an ICMP datagram socket (Linux: net.ipv4.ping_group_range).
//
//	go run ./examples/ping 127.0.0.1
//	go run ./examples/ping -c 3 ::1
package main
