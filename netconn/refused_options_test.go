//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// If a sandbox refuses every setsockopt, Listen, Dial and ListenPacket still work, without the
// options. This includes a Listen at the wildcard address.
func TestOptionsCanBeRefused(t *testing.T) {
	for _, e := range []kernel.Errno{kernel.ENOSYS, kernel.EPERM, kernel.Errno(4000)} {
		w := sim.New(1, sim.Options{Refused: map[sim.Call]sim.Errno{sim.SetOpt: e}})
		boot := func(h *sim.Host, f func(task *reactor.Task, n *netconn.Net) error) {
			h.Boot("main", func() {
				r, err := reactor.New(reactor.WithKernel(h))
				if err != nil {
					t.Error(err)
					return
				}
				r.Go(func(task *reactor.Task) {
					defer r.Close()
					if err := f(task, netconn.On(r)); err != nil {
						t.Errorf("%v: %v", e, err)
					}
				})
				_ = r.Run(context.Background())
			})
		}
		boot(w.Host("10.0.0.1"), func(_ *reactor.Task, n *netconn.Net) error {
			l, err := n.Listen("tcp", ":7")
			if err != nil {
				return err
			}
			defer l.Close()
			u, err := n.ListenPacket("udp", ":7")
			if err != nil {
				return err
			}
			defer u.Close()
			c, err := l.Accept()
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = io.Copy(c, c)
			return err
		})
		boot(w.Host("10.0.0.2"), func(task *reactor.Task, n *netconn.Net) error {
			_ = task.Sleep(time.Millisecond)
			c, err := n.Dial("tcp", "10.0.0.1:7")
			if err != nil {
				return err
			}
			defer c.Close()
			if _, err := c.Write([]byte("hello")); err != nil {
				return err
			}
			_, err = io.ReadFull(c, make([]byte, 5))
			return err
		})
		if err := w.RunUntilDone(time.Hour); err != nil {
			t.Error(err)
		}
		w.Close()
	}
}
