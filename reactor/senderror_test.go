//go:build unix

package reactor

import (
	"errors"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
)

// The kernel refuses one send of a Conn with an error that does not concern the peer, as a sandbox
// may. The peer sends neither data nor a FIN. The Conn still ends with that error, whatever method
// has sent. Other Conns continue.
func TestUnknownSendErrorEndsTheConn(t *testing.T) {
	for _, e := range []kernel.Errno{kernel.EPERM, kernel.ENOMEM, kernel.Errno(240)} {
		for _, size := range []int{1, corkMax + 1} {
			k := hostWithFaults()
			refused := -1
			k.send = func(fd int, _ []byte) (int, kernel.Errno, bool) { return 0, e, fd == refused }
			r := manual(t, WithKernel(k))
			a, b := tcpPair(t)
			other, peer := pair(t)
			k.opened.Add(2)
			var got error
			c := adoptFD(t, r, a, &hooks{closed: func(_ *Conn, err error) { got = err }})
			lives := adoptFD(t, r, other, &hooks{})
			refused = a
			_ = c.Send(make([]byte, size))
			turnUntil(t, r, func() bool { return got != nil })
			if !errors.Is(got, e) {
				t.Errorf("%d bytes: Closed says %v, want %v", size, got, e)
			}
			if lives.is(outputFailed | released) {
				t.Error("the other Conn has failed too")
			}
			_, _ = kernel.Host.Close(b), kernel.Host.Close(peer)
		}
	}
}
