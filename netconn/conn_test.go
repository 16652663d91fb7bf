//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"fmt"
	"net"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
)

// rounds returns how often a test of the contract runs.
func rounds() int { return longtest.Count(1, 1, 20) }

// families returns the networks for the tests of the contract. With -short it returns only one, and
// with -long all.
func families() []string { return []string{"tcp4", "unix", "tcp6"}[:longtest.Count(1, 2, 3)] }

// Connections fulfil the contract of net.Conn, which x/net's nettest checks in 11 parts. The
// families run in parallel, and with -long each runs 20 times.
func TestConn(t *testing.T) {
	if !longtest.Default(t, "nettest waits for real time") {
		return
	}
	for _, network := range families() {
		for i := range rounds() {
			t.Run(fmt.Sprint(network, "/", i), func(t *testing.T) {
				t.Parallel()
				nettest.TestConn(t, pipe(t, network))
			})
		}
	}
}

// listen listens on a free address of the network.
func listen(t testing.TB, network string) net.Listener {
	t.Helper()
	l, err := netconn.Listen(network, free(t, network))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// free returns a free address to listen on.
func free(t testing.TB, network string) string {
	t.Helper()
	switch network {
	case "tcp6", "udp6":
		return "[::1]:0"
	case "unix", "unixgram":
		return longtest.SocketPath(t)
	}
	return "127.0.0.1:0"
}

// pipe makes two connected ends.
func pipe(t testing.TB, network string) nettest.MakePipe {
	return func() (c1, c2 net.Conn, stop func(), err error) {
		l := listen(t, network)
		c1, err = netconn.Dial(network, l.Addr().String())
		if err != nil {
			return nil, nil, nil, err
		}
		c2, err = l.Accept()
		if err != nil {
			return nil, nil, nil, err
		}
		l.Close()
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	}
}
