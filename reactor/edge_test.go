//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package reactor_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"

	"github.com/ureactor/ureactor/reactor"
)

// 300 clients send and half-close in one go, before they are accepted, so that data and FIN are one Event: the read
// that does not fill the buffer must not be the last. Some send exactly what the loop's buffer holds, once and twice.
func TestFinThatComesWithTheDataIsSeen(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return plainEcho{} })
	if err != nil {
		t.Fatal(err)
	}
	const buffer = 64 << 10
	var conns []*net.TCPConn
	var sent [][]byte
	for i := range 300 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		p := bytes.Repeat([]byte{byte(i)}, []int{1, 5000, buffer, 2 * buffer}[i%4])
		if _, err := c.Write(p); err != nil {
			t.Fatal(err)
		}
		tcp := c.(*net.TCPConn)
		tcp.CloseWrite()
		conns, sent = append(conns, tcp), append(sent, p)
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(context.Background()) }()
	for i, c := range conns {
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, sent[i]) {
			t.Errorf("connection %d: got %d bytes of %d, %v", i, len(got), len(sent[i]), err)
		}
	}
	if err := r.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	<-done
}

type plainEcho struct{}

func (plainEcho) Data(c *reactor.Conn, p []byte) { c.Send(p) }
func (plainEcho) Closed(*reactor.Conn, error)    {}
