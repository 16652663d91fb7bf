//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"flag"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/ureactor/ureactor/internal/longtest"
)

var below = flag.String("below", "", "what TestConnCryptoTLS has below crypto/tls, net or netconn, where it has called itself")

// A crypto/tls connection fulfils 8 of the 11 parts of the contract, above package net and above
// netconn. The other three parts (PastTimeout, FutureTimeout, ConcurrentMethods) fail above both,
// and each of them hangs for a minute. TestCryptoTLSAfterAWriteTimeout shows the reason. nettest
// always runs all parts. So the test starts a process for each part, which selects this part with
// -test.run. Without -long the test runs two parts.
func TestConnCryptoTLS(t *testing.T) {
	if !longtest.Default(t, "nettest over crypto/tls") {
		return
	}
	for _, s := range stacks {
		if s.name == *below {
			nettest.TestConn(t, cryptoTLS(s))
			return
		}
	}
	parts := []string{"BasicIO", "CloseTimeout", "PingPong", "RacyRead", "RacyWrite", "ReadTimeout", "WriteTimeout", "PresentTimeout"}
	for _, part := range parts[:longtest.Count(1, 2, len(parts))] {
		for _, s := range stacks {
			t.Run(s.name+"/"+part, func(t *testing.T) {
				t.Parallel()
				out, err := exec.Command(os.Args[0], "-test.v", "-test.run", "^TestConnCryptoTLS$/^"+part+"$", "-below", s.name).CombinedOutput()
				if err != nil || !bytes.Contains(out, []byte("--- PASS: TestConnCryptoTLS/"+part)) {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

// After a Write that has timed out, crypto/tls fails all later writes, above any connection. (A
// TLSConn of netconn does not.)
func TestCryptoTLSAfterAWriteTimeout(t *testing.T) {
	for _, s := range stacks {
		c, _, stop, err := cryptoTLS(s)()
		if err != nil {
			t.Fatal(err)
		}
		c.SetWriteDeadline(time.Unix(1, 0))
		if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: past the deadline: %v", s.name, err)
		}
		c.SetWriteDeadline(time.Time{})
		if _, err := c.Write([]byte("x")); err == nil {
			t.Errorf("%s: it writes again: nettest's other parts may hold, and belong into TestConnCryptoTLS", s.name)
		}
		stop()
	}
}

// cryptoTLS returns a MakePipe for two connected ends of crypto/tls over loopback, after the
// handshake.
func cryptoTLS(s stack) nettest.MakePipe {
	return func() (c1, c2 net.Conn, stop func(), err error) {
		l, err := s.listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, nil, err
		}
		defer l.Close()
		if c1, err = s.dial("tcp", l.Addr().String()); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = l.Accept(); err != nil {
			return nil, nil, nil, errors.Join(err, c1.Close())
		}
		client, server := tls.Client(c1, clientConfig()), tls.Server(c2, serverConfig())
		shaken := make(chan error, 1)
		go func() { shaken <- server.Handshake() }()
		err = client.Handshake()
		return client, server, func() { client.Close(); server.Close() }, errors.Join(err, <-shaken)
	}
}
