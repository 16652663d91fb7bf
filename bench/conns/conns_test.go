//go:build linux

// Package conns runs nettest.TestConn on the net.Conns of the libraries. The scoreboard runs it
// (hazards). server/styles.go has the name of the test for each library.
package conns

import (
	"net"
	"testing"
	"time"

	"github.com/cloudwego/netpoll"
	"golang.org/x/net/nettest"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/netconn"
)

// Package net passes the test against itself, so this machine can pass it.
func TestNet(t *testing.T) { bothEnds(t, net.Listen, net.Dial) }

// netconn passes the test with parked goroutines.
func TestNetconn(t *testing.T) { bothEnds(t, netconn.Listen, netconn.Dial) }

func bothEnds(t *testing.T, listen func(string, string) (net.Listener, error), dial func(string, string) (net.Conn, error)) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		l, err := listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, nil, err
		}
		defer l.Close()
		if c1, err = dial("tcp", l.Addr().String()); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = l.Accept(); err != nil {
			c1.Close()
			return nil, nil, nil, err
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	})
}

// One end is netpoll's Connection, as its dialer returns it. The other end is package net, so a
// failure is netpoll's.
func TestNetpoll(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, nil, err
		}
		defer l.Close()
		dialed, err := netpoll.DialConnection("tcp", l.Addr().String(), time.Second)
		if err != nil {
			return nil, nil, nil, err
		}
		if c2, err = l.Accept(); err != nil {
			dialed.Close()
			return nil, nil, nil, err
		}
		return dialed, c2, func() { dialed.Close(); c2.Close() }, nil
	})
}
