package netconn_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// On some kernels the socket may hold more bytes after a short read. There the next Read returns
// these bytes without an Event.
func TestReadAfterAShortOne(t *testing.T) {
	w := sim.New(1, sim.Options{ShortReads: true})
	defer w.Close()
	server, client := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	boot := func(h *sim.Host, main func(*reactor.Task, *netconn.Net)) {
		h.Boot("main", func() {
			r, err := reactor.New(reactor.WithKernel(h))
			if err != nil {
				t.Error(err)
				return
			}
			r.Go(func(task *reactor.Task) { defer r.Close(); main(task, netconn.On(r)) })
			r.Run(context.Background())
		})
	}
	boot(server, func(task *reactor.Task, n *netconn.Net) {
		l, err := n.Listen("tcp", ":7")
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		server.Inject(sim.Injection{Call: sim.Recv, Nth: 2, Short: 2}) // the first Recv finds nothing
		got := make([]byte, 10)
		if n, err := io.ReadFull(c, got[:5]); err != nil || string(got[:n]) != "hello" {
			t.Errorf("%q, %v", got[:n], err)
		}
	})
	boot(client, func(task *reactor.Task, n *netconn.Net) {
		task.Sleep(10 * time.Millisecond)
		c, err := n.Dial("tcp", "10.0.0.1:7")
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		task.Sleep(10 * time.Millisecond)
		c.Write([]byte("hello"))
		c.Read(make([]byte, 1)) // until the server has accepted the connection
	})
	if err := w.RunUntilDone(time.Minute); err != nil {
		t.Error(err)
	}
}
