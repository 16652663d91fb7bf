package netconn_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/netconn"
)

// A Dialer and a ListenConfig have the same fields as those of package net. Control is called for
// each socket before the socket is bound or connected.
func ExampleDialer() {
	control := func(network, address string, c syscall.RawConn) error {
		fmt.Println("a socket for", network)
		return nil
	}
	lc := netconn.ListenConfig{Control: control}
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	d := netconn.Dialer{
		Timeout:   time.Minute,
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)},
		Control:   control,
	}
	c, err := d.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.RemoteAddr().String() == l.Addr().String())
	// Output:
	// a socket for tcp4
	// a socket for tcp4
	// true
}
