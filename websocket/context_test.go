package websocket

import (
	"bytes"
	"errors"
	"testing"

	"github.com/ureactor/ureactor/reactor"
)

// With context takeover, a compressed message refers only to messages that the peer has received,
// within the peer's window. The test checks this after a refused Send and after a Frame.
func TestContextHasWhatThePeerHas(t *testing.T) {
	z := Compression{Takeover: true, Least: 1, Level: 6} // it refers to earlier messages where it can
	s, err := NewServer(nil, WithCompression(z))
	if err != nil {
		t.Fatal(err)
	}
	noise := messages()[18] // incompressible
	big, small := noise[:40_000], noise[37_000:39_000]
	frame := repeat("a Frame for all ", 100)
	want := [][]byte{[]byte("first"), small, frame, small, noise[36_000:38_000]}
	open := func(c *Conn) {
		_ = c.Send(Binary, want[0])
		if err := c.Send(Binary, big); !errors.Is(err, reactor.ErrBuffered) {
			t.Errorf("a message above the limit: %v", err)
		}
		f := s.NewFrame(Binary, frame)
		if f.Len() != len(frame) || f.deflated == nil {
			t.Error("the Frame is not compressed")
		}
		if err := errors.Join(c.Send(Binary, small), c.SendFrame(f), c.Send(Binary, small), c.Send(Binary, want[4])); err != nil {
			t.Error(err)
		}
	}
	b := serveWith(t, func(*Request) Handler { return &funcs{opened: open} },
		[]reactor.ListenOption{reactor.WithLimits(1000, 10_000, 20_000)}, WithCompression(z))
	ended := make(chan error, 1)
	n := 0
	client := &funcs{closed: func(_ *Conn, err error) { ended <- err }}
	client.message = func(c *Conn, _ Kind, p []byte) {
		if !bytes.Equal(p, want[n]) {
			t.Errorf("message %d: %d bytes, others than the %d that were sent", n, len(p), len(want[n]))
		}
		if n++; n == len(want) {
			_ = c.Close(Normal, "")
		}
	}
	b.on(func() {
		if _, err := Dial(b.r, "ws://"+b.at, client, with(&z, patience()...)...); err != nil {
			t.Error(err)
		}
	})
	if err := <-ended; err != nil || n != len(want) {
		t.Errorf("after %d messages: %v", n, err)
	}
}
