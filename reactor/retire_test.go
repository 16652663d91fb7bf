//go:build unix

package reactor

import (
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A connection has sent a reply and has unread input. Retire is called during a drain. The peer
// gets the reply and then EOF, where a plain close would have reset the connection. At the end the
// descriptor is closed.
func TestRetiredDescriptorDeliversWhatItSent(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		fd, peer := t.tcpPair()
		peer.write(make([]byte, 100<<10))
		t.pass(time.Millisecond)
		sent := 0
		r.Go(func(task *Task) {
			var e kernel.Errno
			for reply := make([]byte, 64<<10); sent < len(reply); {
				var n int
				if n, e = r.k.Send(fd, reply[sent:], 0); e != 0 {
					break
				}
				sent += n
			}
			if e != 0 && e != kernel.EAGAIN || sent == 0 {
				t.Errorf("sent %d bytes: %v", sent, e)
			}
			r.Close()
			if err := r.Retire(fd); err != nil {
				t.Error(err)
			}
		})
		got, e := peer.readAll()
		if e != 0 || len(got) != sent {
			t.Errorf("the peer got %d bytes of %d, %v", len(got), sent, e)
		}
		peer.close()
		t.until(func() bool { return t.over })
		if _, e := t.k.Ready(fd); e != kernel.EBADF || r.result != nil {
			t.Errorf("the descriptor is %v, the reactor ended with %v", e, r.result)
		}
	})
}
