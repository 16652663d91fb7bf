package desc_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// Line returns one line, even if another call receives from the same Desc. Here the other call
// receives right after the first system call of Line. If Line had only peeked, the other call would
// get its bytes. Without this fixed order, a test with many lines and readers would seldom find the
// fault.
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
		if string(line) != "ac\n" || e != 0 { // the other call has received "b\n"
			t.Errorf("limit %v: %q, %v", limit, line, e)
		}
		d.Close()
		unix.Close(peer)
	}
}
