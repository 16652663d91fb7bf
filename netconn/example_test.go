//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// A server and a client of net/http use connections of this package.
func Example() {
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		fmt.Fprintf(w, "you asked for %s", q.URL.Path)
	})}
	go s.Serve(l)
	defer s.Close()

	tr := &http.Transport{DialContext: netconn.DialContext}
	defer tr.CloseIdleConnections()
	a, err := (&http.Client{Transport: tr}).Get("http://" + l.Addr().String() + "/this")
	if err != nil {
		log.Fatal(err)
	}
	defer a.Body.Close()
	text, _ := io.ReadAll(a.Body)
	fmt.Println(string(text))
	// Output: you asked for /this
}

type echo struct{}

func (echo) Data(c *reactor.Conn, p []byte)    { _ = c.Send(p) }
func (echo) Closed(c *reactor.Conn, err error) {}

// A TLS echo in callback style serves a client of crypto/tls.
func ExampleWithTLS() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	config := serverConfig() // has Certificates
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return echo{} }, netconn.WithTLS(config))
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())
	defer r.Shutdown(context.Background())

	c, err := tls.Dial("tcp", l.Addr().String(), clientConfig())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "hello")
	c.CloseWrite()
	text, _ := io.ReadAll(c)
	fmt.Println(string(text))
	// Output: hello
}

// An echo server in blocking style has one task for each connection, all on one loop. Its client
// uses package net.
func ExampleOn() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	r.Go(func(t *reactor.Task) {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return // the reactor shuts down
			}
			if err != nil { // perhaps no descriptor is free; the listener stays open
				if t.Sleep(10*time.Millisecond) != nil {
					return
				}
				continue
			}
			t.Go(func(*reactor.Task) {
				defer c.Close()
				_, _ = io.Copy(c, c) // or any other code for net.Conn
			})
		}
	})
	at := l.Addr().String()
	go r.Run(context.Background())
	defer r.Shutdown(context.Background())

	c, err := net.Dial("tcp", at)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	text, _ := io.ReadAll(c)
	fmt.Println(string(text))
	// Output: hello
}

// An echo server in blocking style receives with Data. So a connection that waits has no buffer.
func ExampleConn_Data() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	r.Go(func(t *reactor.Task) {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return // the reactor shuts down
			}
			if err != nil { // perhaps no descriptor is free; the listener stays open
				if t.Sleep(10*time.Millisecond) != nil {
					return
				}
				continue
			}
			t.Go(func(*reactor.Task) {
				defer c.Close()
				for {
					p, err := c.(*netconn.Conn).Data() // the loop's buffer: valid until the task waits
					if err != nil {
						return
					}
					if _, err := c.Write(p); err != nil { // if Write has to wait, it copies the rest of p
						return
					}
				}
			})
		}
	})
	at := l.Addr().String()
	go r.Run(context.Background())
	defer r.Shutdown(context.Background())

	c, err := net.Dial("tcp", at)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	text, _ := io.ReadAll(c)
	fmt.Println(string(text))
	// Output: hello
}
