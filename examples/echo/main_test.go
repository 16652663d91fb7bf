//go:build unix

package main

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest" // defines the flag -long
	"github.com/ureactor/ureactor/reactor"
)

// The TCP server and the UDP server echo what they receive, on all loops and for many clients.
func TestEcho(t *testing.T) {
	for _, udp := range []bool{false, true} {
		g, err := reactor.NewGroup(3)
		if err != nil {
			t.Fatal(err)
		}
		at, err := listen(g, "127.0.0.1:0", udp, true, echo{})
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error, 1)
		go func() { ran <- g.Run(context.Background()) }()
		for range 20 {
			c, err := net.Dial(at.Network(), at.String())
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(longtest.Guard))
			io.WriteString(c, "hello")
			p := make([]byte, 5)
			if _, err := io.ReadFull(c, p); err != nil || string(p) != "hello" {
				t.Errorf("%q, %v", p, err)
			}
			c.Close()
		}
		g.Close()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}
}
