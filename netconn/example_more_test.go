//go:build unix

package netconn_test

import (
	"fmt"
	"log"
	"net"

	"github.com/ureactor/ureactor/netconn"
)

// Two goroutines use TLS. Server and Client correspond to the functions of crypto/tls with these
// names.
func ExampleTLSConn() {
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		t := netconn.Server(c, serverConfig())
		defer t.Close()
		fmt.Fprint(t, "hello over TLS")
	}()
	c, err := netconn.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	t := netconn.Client(c, clientConfig())
	defer t.Close()
	p := make([]byte, 100)
	n, err := t.Read(p)
	fmt.Println(string(p[:n]), err)
	// Output: hello over TLS <nil>
}

// ReadMessage reports whether a datagram was truncated, and ReadFrom does not.
func ExamplePacketConn() {
	c, err := netconn.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	peer, err := net.Dial("udp", c.LocalAddr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer peer.Close()
	fmt.Fprint(peer, "0123456789")
	p := make([]byte, 4)
	n, about, err := c.(*netconn.PacketConn).ReadMessage(p)
	fmt.Println(string(p[:n]), about.Truncated, about.From.String() == peer.LocalAddr().String(), err)
	// Output: 0123 true true <nil>
}
