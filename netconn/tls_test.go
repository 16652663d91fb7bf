//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// secured returns a MakePipe with TLS. The MakePipe makes the handshake before it returns, because
// a Write alone cannot complete a handshake.
func secured(open nettest.MakePipe) nettest.MakePipe {
	return func() (c1, c2 net.Conn, stop func(), err error) {
		c1, c2, _, err = open()
		if err != nil {
			return nil, nil, nil, err
		}
		shaken := make(chan error, 1)
		if d, ok := c1.(driven); ok {
			client, server := netconn.Client(d.Conn, clientConfig()), netconn.Server(c2.(driven).Conn, serverConfig())
			c1, c2 = driven{d.r, client}, driven{d.r, server}
			go inTask(d.r, func(*reactor.Task) { shaken <- server.Handshake() })
			inTask(d.r, func(*reactor.Task) { err = client.Handshake() })
		} else {
			client, server := netconn.Client(c1, clientConfig()), netconn.Server(c2, serverConfig())
			c1, c2 = client, server
			go func() { shaken <- server.Handshake() }()
			err = client.Handshake()
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, errors.Join(err, <-shaken)
	}
}

// A TLSConn of netconn fulfils all 11 parts of the contract of net.Conn, because it can be used
// after a write that timed out.
func TestConnTLS(t *testing.T) {
	if !longtest.Default(t, "nettest over TLS") {
		return
	}
	r := start(t)
	for i := range rounds() {
		t.Run(fmt.Sprint("goroutines/", i), func(t *testing.T) {
			t.Parallel()
			nettest.TestConn(t, secured(pipe(t, "tcp4")))
		})
		t.Run(fmt.Sprint("tasks/", i), func(t *testing.T) {
			t.Parallel()
			nettest.TestConn(t, secured(taskPipe(t, r, "tcp4")))
		})
	}
}

// Two tasks use one TLS connection: one reads 4 MiB and the other writes 4 MiB. One loop has
// several such connections, whose peers are crypto/tls in goroutines. A task that waits with a lock
// held would stop the loop.
func TestTLSInTasks(t *testing.T) {
	if !longtest.Default(t, "many handshakes") {
		return
	}
	r := start(t)
	const size = 4 << 20 // more than the kernel's buffers hold
	conns := longtest.Count(2, 5, 100)
	addr := make(chan net.Addr, 1)
	results := make(chan error, conns)
	want := noise(size)
	r.Post(func() {
		r.Go(func(t *reactor.Task) {
			l, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			defer l.Close()
			l = netconn.NewTLSListener(l, serverConfig())
			addr <- l.Addr()
			for range conns {
				c, err := l.Accept()
				if err != nil {
					panic(err)
				}
				t.Go(func(*reactor.Task) { // this task writes and has to wait
					if _, err := c.Write(want); err != nil {
						results <- err
					}
				})
				t.Go(func(*reactor.Task) {
					defer c.Close()
					got, err := io.ReadAll(c)
					if err == nil && !bytes.Equal(got, want) {
						err = fmt.Errorf("%d bytes, or they differ", len(got))
					}
					results <- err
				})
			}
		})
	})
	at := <-addr
	var all sync.WaitGroup
	for range conns {
		all.Go(func() {
			c, err := tls.Dial("tcp", at.String(), clientConfig())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(long))
			got := make([]byte, size)
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("from the task: %v", err)
			}
			c.Write(want)
			c.CloseWrite()
		})
	}
	all.Wait()
	for range conns {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// A handshake is ended by its deadline, by its context, by Close, or by bytes that are not TLS.
// TestMain checks that it leaves nothing behind.
func TestTLSHandshakeEnds(t *testing.T) {
	silent := func() (*netconn.TLSConn, net.Conn) {
		c, d, stop, err := pipe(t, "tcp4")()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		return netconn.Server(c, serverConfig()), d
	}
	c, d := silent()
	c.SetDeadline(time.Now().Add(10 * time.Millisecond))
	if err := c.Handshake(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	c.SetDeadline(time.Time{}) // the handshake continues
	go io.Copy(io.Discard, c)
	client := netconn.Client(d, clientConfig())
	if err := client.Handshake(); err != nil {
		t.Errorf("after the deadline: %v", err)
	}
	if s := client.ConnectionState(); s.Version != tls.VersionTLS13 {
		t.Errorf("version %x", s.Version)
	}

	c, _ = silent()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := c.HandshakeContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("context: %v", err)
	}
	c, d = silent()
	d.Write([]byte{22, 3, 1, 0})
	time.AfterFunc(10*time.Millisecond, func() { c.Close() })
	if err := c.Handshake(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Close: %v", err)
	}
	c, d = silent()
	d.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	for range 2 { // the result is permanent
		if _, err := c.Read(make([]byte, 1)); !errors.As(err, new(tls.RecordHeaderError)) {
			t.Errorf("plain HTTP: %v", err)
		}
	}
	for name, f := range map[string]func(){
		"nil connection": func() { netconn.Server(nil, serverConfig()) },
		"nil config":     func() { netconn.Server(c.NetConn(), nil) },
		"renegotiation": func() {
			netconn.Client(c.NetConn(), &tls.Config{ServerName: "x", Renegotiation: tls.RenegotiateOnceAsClient})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
