package desc_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// Line returns one line whoever else receives. Another call is in the middle of its recv, and makes
// it right after the first system call of Line. If Line had peeked, the line would be received by
// the other call now. A race of many lines and readers finds this in seconds only with luck.
func TestLineBesideAnotherReader(t *testing.T) {
	for _, limit := range []timeout.Timeout{0, timeout.None} {
		fd, peer := pair(t)
		d := desc.New(kernel.Host, fd, desc.Parked)
		unix.Write(peer, []byte("ab\nc\nd\n"))
		inside, on, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			d.Do(desc.In, &desc.Call{}, func() (int, kernel.Errno) {
				close(inside)
				<-on
				return kernel.Host.Recv(fd, make([]byte, 2), 0)
			})
			close(done)
		}()
		<-inside
		first := true
		line, e := d.Line(&desc.Call{Limit: limit}, 100, true, func(p []byte, flags int) (int, kernel.Errno) {
			n, e := kernel.Host.Recv(fd, p, flags)
			if first {
				first = false
				close(on)
				<-done
			}
			return n, e
		})
		if string(line) != "ac\n" || e != 0 { // the other has "b\n"
			t.Errorf("limit %v: %q, %v", limit, line, e)
		}
		d.Close()
		unix.Close(peer)
	}
}
