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
// nothing has come before. It returns what is there if its timeout has passed, and in four cases in
// which it must not wait for an Event: beside a Watch, in a task that is cancelled, in a callback,
// and below SO_RCVLOWAT.
func TestFirstReceiveOfAnAcceptedSocket(t *testing.T) {
	for _, c := range []struct {
		name, want string
		before     bool // the peer acts before the call
		fin        bool
		limit      timeout.Timeout
		where      string
	}{
		{"nothing yet", "x", false, false, timeout.None, ""},
		{"data", "x", true, false, timeout.None, ""},
		{"FIN", "", true, true, timeout.None, ""},
		{"a FIN that comes later", "", false, true, timeout.None, ""},
		{"data and a timeout", "x", true, false, 1, ""},
		{"data beside a Watch", "x", true, false, timeout.None, "Watch"},
		{"data in a cancelled task", "x", true, false, timeout.None, "cancelled"},
		{"data in a callback", "x", true, false, timeout.None, "callback"},
		{"data below SO_RCVLOWAT", "x", true, false, timeout.None, "SO_RCVLOWAT"},
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
				p := make([]byte, 10)
				switch c.where {
				case "Watch":
					w, err := l.r.Watch(k.fd, poller.In, func(poller.Readiness) {})
					l.must(err)
					defer w.Stop()
				case "cancelled":
					l.task.Cancel()
				case "SO_RCVLOWAT":
					l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 5))
					p = p[:1]
				}
				join := func() {}
				if c.before {
					act()
				} else {
					join = l.beside(func(l *lab) { l.letOthersRun(); act() })
				}
				l.must(s.SetTimeout(c.limit))
				n, err := -1, error(nil)
				recv := func() { n, err = s.RecvInto(p) }
				if c.where == "callback" {
					l.must(l.r.Post(recv))
					for n < 0 {
						l.must(l.task.Sleep(0))
					}
				} else {
					recv()
				}
				l.data(p[:n], err, c.want)
				join()
				if k.recvs != 1 {
					l.fatalf("%d recvs", k.recvs)
				}
			})
		})
	}
}
