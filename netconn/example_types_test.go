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

// Listen returns the interface of package net. Other methods need a type assertion, as with net.
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

// A Net has package net's functions for the tasks of one reactor. Its clock is the reactor's, so a
// deadline of an hour passes at once in a simulated world.
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

// A Message reports more about a datagram than ReadFrom: where it was sent to, and whether it was
// cut.
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
