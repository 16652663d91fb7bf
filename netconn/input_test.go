//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// longAndShort returns a text and its number of lines. Some lines are longer than a TLS record.
func longAndShort() (text string, n int) {
	var b strings.Builder
	n = longtest.Count(30, 60, 60)
	for i := range n {
		b.WriteString(strings.Repeat("x", i*i*10%40_000))
		b.WriteByte('\n')
	}
	return b.String(), n
}

// The Input of a Handler's Conn above TLS holds decrypted bytes.
func TestInputOfAHandlerAboveTLS(t *testing.T) {
	text, _ := longAndShort()
	at := serveTLS(t, start(t), func() reactor.Handler {
		return &events{
			opened: func(c *reactor.Conn) { c.KeepInput(50_000) },
			data: func(c *reactor.Conn, _ []byte) {
				for in := c.Input(); ; {
					i := in.Index([]byte("\n"), 0)
					if i < 0 {
						return
					}
					p, err := in.Next(i + 1)
					if err != nil {
						t.Error(err)
						return
					}
					echoBack(c, p)
				}
			},
		}
	})
	c := dialTLS(t, at)
	go func() {
		io.WriteString(c, text)
		c.CloseWrite()
	}()
	if got, err := io.ReadAll(c); err != nil || string(got) != text {
		t.Errorf("%d bytes of %d came back: %v", len(got), len(text), err)
	}
}

// An Input reads from Conns and TLSConns, in tasks and in goroutines.
func TestInputOfConns(t *testing.T) {
	text, count := longAndShort()
	read := func(c net.Conn) {
		defer c.Close()
		in := socket.NewInput(c.(socket.DataReader), 50_000)
		got, seen := "", 0
		for range count {
			i := in.Index([]byte("\n"), seen)
			for ; i < 0; i = in.Index([]byte("\n"), seen) {
				seen = in.Buffered()
				if _, err := in.Peek(seen + 1); err != nil {
					t.Error(err)
					return
				}
			}
			p, err := in.Next(i + 1)
			if err != nil {
				t.Error(err)
			}
			got, seen = got+string(p), 0
			_, _ = c.Write(p) // Write may wait while some of p is in the loop's buffer
		}
		if got != text {
			t.Errorf("read %d bytes, want %d", len(got), len(text))
		}
	}
	serve := func(listen func(network, addr string) (net.Listener, error), secure bool, run func(func())) {
		l, err := listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			if secure {
				c = tls.Client(c, clientConfig())
			}
			defer c.Close()
			go io.WriteString(c, text)
			if got, err := io.ReadAll(io.LimitReader(c, int64(len(text)))); err != nil || string(got) != text {
				t.Errorf("%d bytes came back: %v", len(got), err)
			}
		}()
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		if secure {
			c = netconn.Server(c, serverConfig())
		}
		read(c)
		run(func() { <-done })
	}
	for _, secure := range []bool{false, true} {
		serve(netconn.Listen, secure, func(wait func()) { wait() })
		r := start(t)
		var wait func()
		inTask(r, func(*reactor.Task) { serve(netconn.On(r).Listen, secure, func(f func()) { wait = f }) })
		wait()
	}
}
