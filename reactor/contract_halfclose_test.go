//go:build unix

package reactor

import (
	"bytes"
	"io"
	"net"
	"testing"
)

const mib8 = 8 << 20

// Contract 1. The peer sends 8 MiB, half-closes and only then begins to read: all of it comes back, then EOF. The
// limits let the server hold what no kernel buffer takes.
func TestHalfClosedPeerGetsEverythingBack(t *testing.T) {
	for _, network := range []string{"tcp", "tcp6", "unix"} {
		t.Run(network, func(t *testing.T) {
			r := started(t)
			addr := listen(t, r, network, acceptEcho, WithLimits(12<<20, 16<<20, 16<<20))
			c := connect(t, addr)
			sent := pattern(mib8)
			if _, err := c.Write(sent); err != nil {
				t.Fatal(err)
			}
			if err := c.(closeWriter).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			wantAll(t, c, sent)
		})
	}
}

// Contract 1 under the default limits: the peer reads while it sends, so back-pressure comes and goes; the FIN arrives
// while output waits.
func TestHalfClosedPeerGetsEverythingBackThroughBackPressure(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			r := started(t)
			c := connect(t, listen(t, r, network, acceptEcho))
			sent := pattern(mib8)
			sendAndFIN(t, c, sent)
			wantAll(t, c, sent)
		})
	}
}

// A handler that has EOF keeps the connection after the peer's FIN: it may answer then, and Close is its own.
func TestEOFHandlerTakesOver(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			r := started(t)
			closed := make(chan error, 1)
			var got []byte
			h := &eofHooks{}
			h.data = func(_ *Conn, p []byte) { got = append(got, p...) }
			h.closed = func(_ *Conn, err error) { closed <- err }
			h.eof = func(c *Conn) {
				r.After(0, func() { // not even in EOF: in a later turn
					if err := c.Send(got); err != nil {
						t.Error(err)
					}
					c.Close()
				})
			}
			c := connect(t, listen(t, r, network, always(h), WithLimits(0, 16<<20, 16<<20)))
			sent := pattern(mib8)
			sendAndFIN(t, c, sent)
			wantAll(t, c, sent)
			if err := <-closed; err != nil {
				t.Errorf("Closed(%v), want nil", err)
			}
		})
	}
}

// CloseWrite sends a FIN after all output and goes on reading; Send then is EPIPE.
func TestCloseWriteEndsOutputOnly(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			r := started(t)
			sent := pattern(3 << 20)
			var got []byte
			closed := make(chan error, 1)
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
				closed: func(_ *Conn, err error) { closed <- err },
			}
			c := connect(t, listen(t, r, network, always(h)))
			wantAll(t, c, sent) // EOF came, the other direction is open
			sendAndFIN(t, c, sent)
			if err := <-closed; err != nil {
				t.Errorf("Closed(%v), want nil", err)
			}
			on(t, r, func() {
				if !bytes.Equal(got, sent) {
					t.Errorf("the half-closed Conn read %d bytes, want %d", len(got), len(sent))
				}
			})
		})
	}
}

// A five-byte request with the FIN right behind it, as nc -N sends it, 2000 times: no reply is lost.
func TestRequestWithFINBehindItIsAnswered(t *testing.T) {
	r := started(t)
	addr := listen(t, r, "tcp", acceptEcho)
	for range 2000 {
		c, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "hello")
		c.(closeWriter).CloseWrite()
		if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
			t.Fatalf("read %q, %v", got, err)
		}
		c.Close()
	}
}

// A Send as the last act before Close, larger than any kernel buffer: the peer gets all, then EOF, no RST, though it
// has itself sent what nobody reads.
func TestSendThenCloseLosesNothing(t *testing.T) {
	r := started(t)
	sent := pattern(4 << 20)
	closed := make(chan error, 1)
	h := &hooks{
		data:   func(c *Conn, _ []byte) { c.Send(sent); c.Close() },
		closed: func(_ *Conn, err error) { closed <- err },
	}
	c := connect(t, listen(t, r, "tcp", always(h)))
	go func() {
		c.Write(pattern(1 << 20)) // most of it is discarded
		c.(closeWriter).CloseWrite()
	}()
	wantAll(t, c, sent)
	if err := <-closed; err != nil {
		t.Errorf("Closed(%v), want nil", err)
	}
}

// sendAndFIN writes and half-closes on a goroutine.
func sendAndFIN(t testing.TB, c net.Conn, p []byte) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := c.Write(p); err != nil {
			t.Error(err)
		}
		if err := c.(closeWriter).CloseWrite(); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { c.Close(); <-done })
}

// wantAll reads to EOF.
func wantAll(t testing.TB, c net.Conn, want []byte) {
	t.Helper()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %d bytes: %v", len(got), err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes, want %d, or not the same", len(got), len(want))
	}
}
