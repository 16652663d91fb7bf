//go:build unix

package reactor

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// SendRights sends descriptors with more bytes than the kernel accepts at once. The other bytes
// follow. A peer that is closed ends the Conn, as with Send.
func TestSendRightsToASlowAndToAClosedPeer(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		var got []byte
		rights := 0
		addr := t.listen("unix", func(*Conn) Handler {
			return &rightsHooks{hooks{data: func(_ *Conn, p []byte) { got = append(got, p...) }}, func(c *Conn, fds []int) {
				rights += len(fds)
				for _, fd := range fds {
					t.k.Close(fd)
				}
			}}
		})
		c, err := r.Attach(t.connected(addr), nil, &hooks{})
		if err != nil {
			t.Fatal(err)
		}
		gift, e := t.k.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		t.must("socket", e)
		t.own(gift)
		p := pattern(1 << 20)
		if err := c.SendRights(p, gift); err != nil {
			t.Fatal(err)
		}
		t.until(func() bool { return len(got) == len(p) })
		if rights != 1 || !bytes.Equal(got, p) {
			t.Errorf("%d descriptors, and the bytes are the same: %v", rights, bytes.Equal(got, p))
		}
		if err := c.SetKeepAlivePeriod(time.Second); err != nil && !errors.Is(err, kernel.EOPNOTSUPP) && !errors.Is(err, kernel.ENOPROTOOPT) && !errors.Is(err, kernel.EINVAL) {
			t.Error(err)
		}
		c.Close()
		if err := c.SetKeepAlivePeriod(time.Second); !errors.Is(err, ErrClosed) {
			t.Errorf("SetKeepAlivePeriod after Close: %v", err)
		}
		t.until(func() bool { return r.Stats().Conns == 0 })

		fd, peer := t.pair()
		c = adoptFD(t, r, fd, &hooks{})
		peer.close()
		if err := c.SendRights([]byte("x"), gift); !errors.Is(err, kernel.EPIPE) && !errors.Is(err, kernel.ECONNRESET) && !errors.Is(err, kernel.ENOTCONN) {
			t.Errorf("to a closed peer: %v", err)
		}
		if err := c.Send([]byte("x")); err == nil {
			t.Error("a Send after it: no error")
		}
		c.Close()
		t.until(func() bool { return r.Stats().Conns == 0 })
	})
}
