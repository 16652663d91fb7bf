//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

const messageLimit = 300_000 // the limit of KeepInput; no record and no read ends there

// wholeMessages makes a Handler that sends each message back when it is complete. A message begins
// with its size, in four bytes. closed gets the argument of Closed.
func wholeMessages(closed chan<- error) *events {
	return &events{
		opened: func(c *reactor.Conn) { c.KeepInput(messageLimit) },
		data: func(c *reactor.Conn, _ []byte) {
			for in := c.Input(); ; {
				head, err := in.Peek(4)
				if err != nil {
					return
				}
				p, err := in.Next(4 + int(binary.BigEndian.Uint32(head)))
				if errors.Is(err, reactor.ErrIncomplete) {
					return
				}
				if err != nil || c.Send(p) != nil {
					c.Abort()
					return
				}
			}
		},
		closed: func(_ *reactor.Conn, err error) { closed <- err },
	}
}

// A client sends messages with sizes around those of a TLS record, of a read, and of the limit of
// KeepInput. The handler consumes a message only when it is complete, and sends it back. All bytes
// come back in order, for any WithReadSize, with TLS and without it. A message that is one byte
// larger than the limit aborts the Conn.
func TestMessagesOfAnySizeWithAnyReadSize(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	var all []byte
	for _, size := range []int{5, 16 << 10, 64 << 10, 128 << 10, messageLimit - 1} {
		for n := size - 5; n <= size-3; n++ {
			all = append(binary.BigEndian.AppendUint32(all, uint32(n)), noise(n)...)
		}
	}
	tooLarge := append(binary.BigEndian.AppendUint32(nil, messageLimit-3), noise(messageLimit-3)...)
	for _, readSize := range []int{64 << 10, 64<<10 + 1, 128 << 10, 1 << 20} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d TLS %t", readSize, secure), func(t *testing.T) {
				r := start(t, reactor.WithReadSize(readSize))
				closed := make(chan error, 1)
				c := messageClient(t, r, wholeMessages(closed), secure)
				defer c.Close()
				must(t, c.SetDeadline(time.Now().Add(long)))
				go func() { _, _ = c.Write(all) }()
				back := make([]byte, len(all))
				if n, err := io.ReadFull(c, back); err != nil || !bytes.Equal(back, all) {
					t.Errorf("%d of %d bytes are back, %v", n, len(all), err)
				}
				_, _ = c.Write(tooLarge) // the Conn may be aborted during the Write
				if n, err := c.Read(back); n > 0 || err == nil {
					t.Errorf("a message above the limit: %d bytes are back, %v", n, err)
				}
				if err := <-closed; !errors.Is(err, reactor.ErrAborted) {
					t.Errorf("closed with %v", err)
				}
			})
		}
	}
}

// messageClient returns a connection to a listener of r.
func messageClient(t *testing.T, r *reactor.Reactor, h reactor.Handler, secure bool) net.Conn {
	if secure {
		return dialTLS(t, serveTLS(t, r, func() reactor.Handler { return h }))
	}
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	s, err := l.Accept()
	must(t, err)
	must(t, r.Post(func() {
		if _, err := r.AttachConn(s, nil, h); err != nil {
			t.Error(err)
		}
	}))
	return c
}
