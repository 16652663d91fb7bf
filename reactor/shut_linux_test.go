package reactor

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
)

// Another owner of the open file calls shutdown on a datagram socket or a listener, for reading.
// Then epoll always reports input, and no call finds any. The loop suspends the socket, as after an
// error that repeats.
func TestSocketThatAnotherOwnerShutsDownRests(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	for _, network := range []string{"udp4", "udp6", "unixgram", "unix", "tcp"} {
		for _, how := range []int{unix.SHUT_RD, unix.SHUT_RDWR} {
			r := manual(t)
			fd := -1
			note := WithControl(func(n int) error { fd = n; return nil })
			_, err := r.Listen(network, anyAddr(t, network), acceptEcho, note)
			if err != nil { // the network has no streams
				_, err = r.ListenPacket(network, anyAddr(t, network), &packets{}, note)
			}
			must(t, err)
			other, err := unix.Dup(fd)
			must(t, err)
			_ = unix.Shutdown(other, how) // for UDP it returns ENOTCONN, but it still has its effect
			unix.Close(other)
			turns := 0
			for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); turns++ {
				must(t, r.Turn(r.Now()+1e8))
			}
			if turns > 2*vainMost {
				t.Errorf("%s, how %d: %d turns in a tenth of a second", network, how, turns)
			}
		}
	}
}
