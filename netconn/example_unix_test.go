package netconn_test

import (
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"

	"github.com/ureactor/ureactor/netconn"
)

// A Unix listener works as in package net: it accepts connections, and its Close removes the
// socket's file.
func ExampleUnixListener() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "socket")
	l, err := netconn.Listen("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	peer, err := net.Dial("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	var c *netconn.UnixConn
	c, err = l.(*netconn.UnixListener).AcceptUnix()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(peer, "hello")
	peer.Close()
	p := make([]byte, 10)
	n, err := c.Read(p)
	fmt.Println(string(p[:n]), err)
	c.Close()
	l.Close()
	_, err = os.Stat(path)
	fmt.Println(os.IsNotExist(err))
	// Output:
	// hello <nil>
	// true
}

// TCPListener and TCPConn replace the types of package net in programs that name these types.
func ExampleTCPConn() {
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	var tcp *netconn.TCPListener = l.(*netconn.TCPListener)
	defer tcp.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer peer.Close()
	var c *netconn.TCPConn
	c, err = tcp.AcceptTCP()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.SetLinger(0))
	// Output: <nil>
}

// A UDPConn receives from several peers.
func ExampleUDPConn() {
	l, err := netconn.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	var c *netconn.UDPConn = l.(*netconn.UDPConn)
	defer c.Close()
	peer, err := net.Dial("udp", c.LocalAddr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer peer.Close()
	fmt.Fprint(peer, "hello")
	p := make([]byte, 10)
	n, from, err := c.ReadFromUDP(p)
	fmt.Println(string(p[:n]), from.String() == peer.LocalAddr().String(), err)
	// Output: hello true <nil>
}
