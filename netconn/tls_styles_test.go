//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// A tlsStyle is one way to use TLS with this package. The function answer gets received data and
// returns the data to send, or nil to end the connection. When a connection has ended, its outcome
// is sent to a channel.
type tlsStyle struct {
	name   string
	listen func(t *testing.T, cfg *tls.Config, answer answer) (net.Addr, <-chan outcome)
	dial   func(t *testing.T, at net.Addr, cfg *tls.Config, first string, answer answer) <-chan outcome
}

type answer func(p []byte) []byte

// outcome describes a connection that has ended: the result of its handshake, and the reason of its
// end. The reason is io.EOF, an error, or nil if answer has ended the connection.
type outcome struct {
	state tls.ConnectionState
	err   error
}

func repeat(p []byte) []byte { return p }

var tlsStyles = []tlsStyle{
	{"WithTLS", listenWithTLS, dialWithTLS},
	{"tasks",
		func(t *testing.T, cfg *tls.Config, answer answer) (net.Addr, <-chan outcome) {
			r := start(t)
			return listenBlocking(t, cfg, answer, netconn.On(r).Listen, func(f func()) { r.Post(func() { r.Go(func(*reactor.Task) { f() }) }) })
		},
		func(t *testing.T, at net.Addr, cfg *tls.Config, first string, answer answer) <-chan outcome {
			r := start(t)
			return dialBlocking(at, cfg, first, answer, netconn.On(r).Dial, func(f func()) { r.Post(func() { r.Go(func(*reactor.Task) { f() }) }) })
		}},
	{"goroutines",
		func(t *testing.T, cfg *tls.Config, answer answer) (net.Addr, <-chan outcome) {
			return listenBlocking(t, cfg, answer, netconn.Listen, func(f func()) { go f() })
		},
		func(t *testing.T, at net.Addr, cfg *tls.Config, first string, answer answer) <-chan outcome {
			return dialBlocking(at, cfg, first, answer, netconn.Dial, func(f func()) { go f() })
		}},
}

func inEachTLSStyle(t *testing.T, f func(t *testing.T, s tlsStyle)) {
	for _, s := range tlsStyles {
		t.Run(s.name, func(t *testing.T) { f(t, s) })
	}
}

// withTLS is the Handler of listenWithTLS and dialWithTLS.
func withTLS(answer answer, outcomes chan<- outcome) *events {
	var o outcome
	return &events{
		opened: func(c *reactor.Conn) { o.state, _ = netconn.TLSState(c) },
		data: func(c *reactor.Conn, p []byte) {
			if p = answer(p); p == nil || c.Send(p) != nil {
				c.Close()
			}
		},
		eof: func(c *reactor.Conn) { o.err = io.EOF; c.Close() },
		closed: func(_ *reactor.Conn, err error) {
			if err != nil {
				o.err = err
			}
			outcomes <- o
		},
	}
}

func listenWithTLS(t *testing.T, cfg *tls.Config, answer answer) (net.Addr, <-chan outcome) {
	outcomes := make(chan outcome, 100)
	at := make(chan net.Addr, 1)
	r := start(t)
	r.Post(func() {
		l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return withTLS(answer, outcomes) }, patient(cfg))
		if err != nil {
			panic(err)
		}
		at <- l.Addr()
	})
	return <-at, outcomes
}

func dialWithTLS(t *testing.T, at net.Addr, cfg *tls.Config, first string, answer answer) <-chan outcome {
	outcomes := make(chan outcome, 1)
	r := start(t)
	r.Post(func() {
		c, err := r.Dial("tcp", at.String(), withTLS(answer, outcomes), patient(cfg))
		if err != nil {
			outcomes <- outcome{err: err}
			return
		}
		c.Send([]byte(first)) // if this fails, Closed reports the error
	})
	return outcomes
}

// listenBlocking serves in goroutines or in tasks. spawn starts one goroutine or one task.
func listenBlocking(t *testing.T, cfg *tls.Config, answer answer, listen func(network, address string) (net.Listener, error), spawn func(func())) (net.Addr, <-chan outcome) {
	outcomes := make(chan outcome, 100)
	listeners := make(chan net.Listener, 1)
	ended := make(chan struct{})
	spawn(func() {
		defer close(ended)
		l, err := listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		defer l.Close()
		listeners <- l
		l = netconn.NewTLSListener(l, cfg)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			spawn(func() { talkTLS(c.(*netconn.TLSConn), answer, outcomes) })
		}
	})
	l := <-listeners
	at := l.Addr()
	t.Cleanup(func() { spawn(func() { l.Close() }); <-ended })
	return at, outcomes
}

func dialBlocking(at net.Addr, cfg *tls.Config, first string, answer answer, dial func(network, address string) (net.Conn, error), spawn func(func())) <-chan outcome {
	outcomes := make(chan outcome, 1)
	spawn(func() {
		nc, err := dial("tcp", at.String())
		if err != nil {
			outcomes <- outcome{err: err}
			return
		}
		c := netconn.Client(nc, cfg)
		c.Write([]byte(first)) // if this fails, the Read returns the error too
		talkTLS(c, answer, outcomes)
	})
	return outcomes
}

func talkTLS(c *netconn.TLSConn, answer answer, outcomes chan<- outcome) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(long))
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if p := buf[:n]; err == nil {
			if p = answer(p); p == nil {
				outcomes <- outcome{c.ConnectionState(), nil}
				return
			}
			_, err = c.Write(p)
		}
		if err != nil {
			outcomes <- outcome{c.ConnectionState(), err}
			return
		}
	}
}
