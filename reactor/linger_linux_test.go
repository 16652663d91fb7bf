package reactor

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Another owner has set SO_LINGER on the listener, so its Conns have that option too. The peer
// reads nothing. When a Conn closes whose output is in the kernel, close(2) would wait for minutes.
// It must not block the loop.
func TestLingerDoesNotKeepTheLoop(t *testing.T) {
	inLab(t, kinds[0], func(t *lab) {
		r := t.reactor()
		closed := 0
		at := t.listen("tcp", func(c *Conn) Handler {
			return &eofHooks{hooks: hooks{closed: func(*Conn, error) { closed++ }}, eof: func(c *Conn) {
				must(t, unix.SetsockoptInt(c.FD(), unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<20))
				must(t, c.Send(make([]byte, 300_000)))
				must(t, c.Close())
			}}
		}, WithControl(func(fd int) error {
			return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: int32(2 * guard / time.Second)})
		}))
		p := t.dial(at)
		must(t, unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096))
		begin := time.Now()
		t.must("shutdown", t.k.Shutdown(p.fd, kernel.SHUT_WR))
		t.until(func() bool { return closed == 1 })
		if took := time.Since(begin); took > guard {
			t.Errorf("the loop stood still for %v", took)
		}
		if r.conns != 0 {
			t.Errorf("%d Conns are left", r.conns)
		}
	})
}
