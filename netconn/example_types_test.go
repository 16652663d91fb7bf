//go:build unix

package netconn_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// Listen returns a net.Listener, as in package net. A type assertion gives access to the other
// methods.
func ExampleListener() {
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	_ = l.(*netconn.Listener).SetDeadline(time.Now())
	_, err = l.Accept()
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded))
	// Output: true
}

// A Net has the functions of package net, for the tasks of one reactor. It uses the reactor's
// clock. So in a simulated world a deadline in one hour passes at once.
func ExampleNet() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	host := w.Host("10.0.0.1")
	host.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(host))
		if err != nil {
			log.Fatal(err)
		}
		var n *netconn.Net = netconn.On(r)
		r.Go(func(*reactor.Task) {
			defer r.Close()
			c, err := n.ListenPacket("udp", "10.0.0.1:53")
			if err != nil {
				log.Fatal(err)
			}
			defer c.Close()
			start := n.Time()
			_ = c.SetReadDeadline(start.Add(time.Hour))
			_, _, err = c.ReadFrom(make([]byte, 100))
			fmt.Println(errors.Is(err, os.ErrDeadlineExceeded), n.Time().Sub(start))
		})
		_ = r.Run(context.Background())
	})
	if err := w.RunUntilDone(2 * time.Hour); err != nil {
		log.Fatal(err)
	}
	// Output: true 1h0m0s
}

// A Message reports two facts about a datagram that ReadFrom does not: the address it was sent to,
// and whether it was truncated.
func ExampleMessage() {
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
	fmt.Fprint(peer, "hello")
	var m netconn.Message
	p := make([]byte, 100)
	n, m, err := c.(*netconn.PacketConn).ReadMessage(p)
	fmt.Println(string(p[:n]), "was sent to", m.Local, m.Truncated, err)
	// Output: hello was sent to 127.0.0.1:0 false <nil>
}
