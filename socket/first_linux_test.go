package socket_test

import (
	"context"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// The first receive of an accepted TCP socket costs one recv, whether the peer's data, its FIN or
// nothing has come before. With a timeout that has passed it returns what is there, and beside a
// Watch it tries first, because the Desc cannot register.
func TestFirstReceiveOfAnAcceptedSocket(t *testing.T) {
	for _, c := range []struct {
		name, want string
		before     bool // the peer acts before the call
		fin        bool
		limit      timeout.Timeout
		watch      bool
	}{
		{"nothing yet", "x", false, false, timeout.None, false},
		{"data", "x", true, false, timeout.None, false},
		{"FIN", "", true, true, timeout.None, false},
		{"a FIN that comes later", "", false, true, timeout.None, false},
		{"data and a timeout", "x", true, false, 1, false},
		{"data beside a Watch", "x", true, false, timeout.None, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &counting{Kernel: kernel.Host}
			taskOn(t, context.Background(), k, func(l *lab) {
				peer, s := l.pair()
				k.fd = s.Fileno()
				act := func() {
					if c.fin {
						l.must(peer.Shutdown(socket.SHUT_WR))
						return
					}
					_, err := peer.Write([]byte("x"))
					l.must(err)
				}
				if c.watch {
					w, err := l.r.Watch(k.fd, poller.In, func(poller.Readiness) {})
					l.must(err)
					defer w.Stop()
				}
				join := func() {}
				if c.before {
					act()
				} else {
					join = l.beside(func(l *lab) { l.letOthersRun(); act() })
				}
				l.must(s.SetTimeout(c.limit))
				p := make([]byte, 10)
				n, err := s.RecvInto(p)
				l.data(p[:n], err, c.want)
				join()
				if k.recvs != 1 {
					l.fatalf("%d recvs", k.recvs)
				}
			})
		})
	}
}
