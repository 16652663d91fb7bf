//go:build unix

package reactor

import (
	"bytes"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// much returns a size that does not fit in the kernel's buffers, so that there is back-pressure. On
// Linux the other end of a TCP connection can buffer 2.5 MiB. Without -long, much also gives the
// peers of later dials small buffers.
func (l *lab) much() int {
	switch {
	case longtest.On():
		return 8 << 20
	case l.simulated():
		return 1 << 20
	}
	l.buffer = 64 << 10
	return 4 << 20
}

// Contract 1. The peer sends much, half-closes, and only then reads. It gets everything back, and
// then EOF. The server's limits are high enough for the bytes that do not fit in the kernel's
// buffers.
func TestHalfClosedPeerGetsEverythingBack(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, network := range []string{"tcp", "unix", "tcp6"}[:longtest.Count(1, 3, 3)] {
			t.Run(network, func(t *lab) {
				sent := pattern(t.much())
				c := t.dial(t.listen(network, acceptEcho, WithLimits(12<<20, 16<<20, 16<<20)))
				c.sendAndFIN(sent)
				c.flush()
				c.wantAll(sent)
			})
		}
	})
}

// Contract 1 with the default limits. The peer reads while it sends. So back-pressure begins and
// ends repeatedly, and the FIN arrives while output waits.
func TestHalfClosedPeerGetsEverythingBackThroughBackPressure(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, network := range []string{"tcp", "unix"}[:longtest.Count(1, 2, 2)] {
			t.Run(network, func(t *lab) {
				sent := pattern(t.much())
				c := t.dial(t.listen(network, acceptEcho))
				c.sendAndFIN(sent)
				c.wantAll(sent)
			})
		}
	})
}

// If a handler has EOF, the connection stays open after the peer's FIN. The handler may answer, and
// then calls Close itself.
func TestEOFHandlerTakesOver(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, network := range []string{"tcp", "unix"}[:longtest.Count(1, 2, 2)] {
			t.Run(network, func(t *lab) {
				r := t.reactor()
				var closed []error
				var got []byte
				h := &eofHooks{}
				h.data = func(_ *Conn, p []byte) { got = append(got, p...) }
				h.closed = func(_ *Conn, err error) { closed = append(closed, err) }
				h.eof = func(c *Conn) {
					r.After(0, func() { // in a turn after EOF
						if err := c.Send(got); err != nil {
							t.Error(err)
						}
						c.Close()
					})
				}
				sent := pattern(t.much())
				c := t.dial(t.listen(network, always(h), WithLimits(0, 16<<20, 16<<20)))
				c.sendAndFIN(sent)
				c.wantAll(sent)
				t.until(func() bool { return len(closed) > 0 })
				if closed[0] != nil {
					t.Errorf("Closed(%v), want nil", closed[0])
				}
			})
		}
	})
}

// CloseWrite sends a FIN after all output, and the Conn continues to read. A later Send returns
// EPIPE.
func TestCloseWriteEndsOutputOnly(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, network := range []string{"tcp", "unix"}[:longtest.Count(1, 2, 2)] {
			t.Run(network, func(t *lab) {
				sent := pattern(longtest.Count(1, 3, 3) << 20)
				var got []byte
				var closed []error
				h := &hooks{
					opened: func(c *Conn) {
						if err := c.Send(sent); err != nil {
							t.Error(err)
						}
						if err := c.CloseWrite(); err != nil {
							t.Error(err)
						}
						if err := c.Send([]byte("x")); err != ErrWriteClosed {
							t.Errorf("Send after CloseWrite: %v", err)
						}
						if err := c.CloseWrite(); err != nil {
							t.Errorf("CloseWrite again: %v", err)
						}
					},
					data:   func(_ *Conn, p []byte) { got = append(got, p...) },
					closed: func(_ *Conn, err error) { closed = append(closed, err) },
				}
				c := t.dial(t.listen(network, always(h)))
				c.wantAll(sent) // EOF was called, and the other direction is still open
				c.sendAndFIN(sent)
				t.until(func() bool { return len(closed) > 0 })
				if closed[0] != nil || c.e != 0 {
					t.Errorf("Closed(%v), want nil; the peer sends: %v", closed[0], c.e)
				}
				if !bytes.Equal(got, sent) {
					t.Errorf("the half-closed Conn read %d bytes, want %d", len(got), len(sent))
				}
			})
		}
	})
}

// The peer sends a request of five bytes, followed at once by a FIN, as nc -N does. No reply is
// lost in 2,000 tries.
func TestRequestWithFINBehindItIsAnswered(t *testing.T) {
	twice(t, func(t *lab) {
		addr := t.listen("tcp", acceptEcho)
		for range longtest.Count(200, 500, 2000) {
			c := t.dial(addr)
			c.sendAndFIN([]byte("hello"))
			c.wantAll([]byte("hello"))
			c.close()
		}
	})
}

// A handler calls Send with more than any kernel buffer holds, and then Close. The peer gets all
// bytes and then EOF without RST, although it has sent bytes that nobody reads.
func TestSendThenCloseLosesNothing(t *testing.T) {
	twice(t, func(t *lab) {
		sent := pattern(4 << 20)
		var closed []error
		h := &hooks{
			data:   func(c *Conn, _ []byte) { c.Send(sent); c.Close() },
			closed: func(_ *Conn, err error) { closed = append(closed, err) },
		}
		c := t.dial(t.listen("tcp", always(h)))
		c.sendAndFIN(pattern(1 << 20)) // the server discards most of it
		c.wantAll(sent)
		t.until(func() bool { return len(closed) > 0 })
		if closed[0] != nil {
			t.Errorf("Closed(%v), want nil", closed[0])
		}
	})
}
