//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
)

// As in package net, a dial with a timeout of 0 has no time limit, and a dial with a negative
// timeout fails at once.
func TestDialTimeout(t *testing.T) {
	l := listen(t, "tcp4")
	for _, dial := range []func(network, address string, d time.Duration) (net.Conn, error){net.DialTimeout, netconn.DialTimeout} {
		c, err := dial("tcp", l.Addr().String(), 0)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		_, err = dial("tcp", l.Addr().String(), -1)
		if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
			t.Errorf("-1: %v", err)
		}
	}
}

// A peer may reset a connection as soon as it has accepted it. Dial then returns either the reset,
// or a connection that still has its peer's address. (The kernel itself has forgotten that
// address.)
func TestDialledPeerResets(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
	opened := 0
	for range 2000 {
		c, err := netconn.Dial("tcp", l.Addr().String())
		switch {
		case errors.Is(err, syscall.ECONNRESET):
			continue
		case err != nil:
			t.Fatal(err)
		}
		opened++
		if a := c.RemoteAddr(); a == nil || a.String() != l.Addr().String() {
			t.Fatalf("its peer is %v", a)
		}
		c.Close()
	}
	if opened == 0 {
		t.Error("all were reset: this has tested nothing")
	}
	l.Close()
	<-ended
}

// The kernel does not report the peer of a datagram socket that is connected to port 0. As in
// package net, RemoteAddr then returns the address that was dialled.
func TestDialledPeerWithoutAPort(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", ":0", "localhost:0"} {
		c, err := netconn.Dial("udp4", addr)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := c.RemoteAddr().(*net.UDPAddr); !ok || !at.IP.IsLoopback() || at.Port != 0 {
			t.Errorf("Dial(%q): the peer is %v", addr, c.RemoteAddr())
		}
		c.Close()
	}
}
