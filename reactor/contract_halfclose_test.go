//go:build unix

package reactor

import (
	"bytes"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// much is more than the kernel of this lab holds for a connection, so back-pressure comes. Without
// -long the peers that are dialled after it have small buffers. Linux gives the other end of a TCP
// connection 2.5 MiB to send.
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

// Contract 1. The peer sends much, half-closes and only then begins to read: all of it comes back,
// then EOF. The limits let the server hold what no kernel buffer takes.
func TestHalfClosedPeerGetsEverythingBack(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, network := range []string{"tcp", "tcp6", "unix"} {
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

// Contract 1 under the default limits: the peer reads while it sends, so back-pressure comes and
// goes; the FIN arrives while output waits.
func TestHalfClosedPeerGetsEverythingBackThroughBackPressure(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(network, func(t *lab) {
				sent := pattern(t.much())
				c := t.dial(t.listen(network, acceptEcho))
				c.sendAndFIN(sent)
				c.wantAll(sent)
			})
		}
	})
}

// A handler that has EOF keeps the connection after the peer's FIN: it may answer then, and Close
// is its own.
func TestEOFHandlerTakesOver(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(network, func(t *lab) {
				r := t.reactor()
				var closed []error
				var got []byte
				h := &eofHooks{}
				h.data = func(_ *Conn, p []byte) { got = append(got, p...) }
				h.closed = func(_ *Conn, err error) { closed = append(closed, err) }
				h.eof = func(c *Conn) {
					r.After(0, func() { // not even in EOF: in a later turn
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

// CloseWrite sends a FIN after all output and goes on reading; Send then is EPIPE.
func TestCloseWriteEndsOutputOnly(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(network, func(t *lab) {
				sent := pattern(3 << 20)
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
				c.wantAll(sent) // EOF came, the other direction is open
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

// A five-byte request with the FIN right behind it, as nc -N sends it, 2000 times: no reply is
// lost.
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

// A Send as the last act before Close, larger than any kernel buffer: the peer gets all, then EOF,
// no RST, though it has itself sent what nobody reads.
func TestSendThenCloseLosesNothing(t *testing.T) {
	twice(t, func(t *lab) {
		sent := pattern(4 << 20)
		var closed []error
		h := &hooks{
			data:   func(c *Conn, _ []byte) { c.Send(sent); c.Close() },
			closed: func(_ *Conn, err error) { closed = append(closed, err) },
		}
		c := t.dial(t.listen("tcp", always(h)))
		c.sendAndFIN(pattern(1 << 20)) // most of it is discarded
		c.wantAll(sent)
		t.until(func() bool { return len(closed) > 0 })
		if closed[0] != nil {
			t.Errorf("Closed(%v), want nil", closed[0])
		}
	})
}
