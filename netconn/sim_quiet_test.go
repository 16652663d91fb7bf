//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"crypto/tls"
	"io"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// inWorld runs a server and then a client on two simulated hosts, each in a task of its own.
func inWorld(t *testing.T, server, client func(*reactor.Task, *netconn.Net) error) {
	t.Helper()
	w := sim.New(1, sim.Options{})
	defer w.Close()
	for i, main := range []func(*reactor.Task, *netconn.Net) error{server, client} {
		host := w.Host([]string{"10.0.0.1", "10.0.0.2"}[i])
		host.Boot("main", func() {
			r, err := reactor.New(reactor.WithKernel(host))
			if err != nil {
				t.Error(err)
				return
			}
			r.Go(func(task *reactor.Task) {
				defer r.Close()
				if err := main(task, netconn.On(r)); err != nil {
					t.Error(err)
				}
			})
			_ = r.Run(context.Background())
		})
	}
	if err := w.RunUntilDone(24 * time.Hour); err != nil {
		t.Error(err)
	}
}

// dialLater dials the server of inWorld at a time when the server listens.
func dialLater(task *reactor.Task, d netconn.Dialer, ctx context.Context) (*netconn.Conn, error) {
	_ = task.Sleep(time.Millisecond)
	d.Net = netconn.On(task.Reactor())
	c, err := d.DialContext(ctx, "tcp", "10.0.0.1:7")
	if err != nil {
		return nil, err
	}
	return c.(*netconn.Conn), nil
}

// The timeout of a dial has no effect after the dial. The Conn can still be used after that time.
func TestLimitsOfADialEndWithIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, ctx := range []context.Context{context.Background(), ctx} {
		inWorld(t, func(_ *reactor.Task, n *netconn.Net) error {
			l, err := n.Listen("tcp", "10.0.0.1:7")
			if err != nil {
				return err
			}
			defer l.Close()
			c, err := l.Accept()
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = io.Copy(c, c)
			return err
		}, func(task *reactor.Task, _ *netconn.Net) error {
			c, err := dialLater(task, netconn.Dialer{Timeout: time.Minute}, ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			_ = task.Sleep(time.Hour)
			if _, err = c.Write([]byte("hello")); err != nil {
				return err
			}
			_, err = io.ReadFull(c, make([]byte, 5))
			return err
		})
	}
}

// After the handshake the handshake's timeout has no effect, so a Conn with TLS may be silent for
// any time. The context of the config's callbacks ends with the handshake.
func TestTLSConnMayBeSilent(t *testing.T) {
	var during context.Context
	cfg := serverConfig()
	cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if during = h.Context(); during.Done() == nil || during.Err() != nil {
			t.Errorf("a context that does not end, or has ended: %v", during.Err())
		}
		return nil, nil
	}
	inWorld(t, func(task *reactor.Task, _ *netconn.Net) error {
		r, ended := task.Reactor(), make(chan error, 1)
		h := &events{data: func(c *reactor.Conn, p []byte) {
			if during.Err() == nil {
				t.Error("the handshake's context goes on")
			}
			echoBack(c, p)
		}, eof: func(c *reactor.Conn) { c.Close() }, closed: func(_ *reactor.Conn, err error) { ended <- err }}
		l, err := r.Listen("tcp", "10.0.0.1:7", func(*reactor.Conn) reactor.Handler { return h }, netconn.WithTLS(cfg))
		if err != nil {
			return err
		}
		defer l.Close()
		for len(ended) == 0 {
			_ = task.Sleep(time.Second)
		}
		return <-ended
	}, func(task *reactor.Task, _ *netconn.Net) error {
		raw, err := dialLater(task, netconn.Dialer{}, context.Background())
		if err != nil {
			return err
		}
		c := netconn.Client(raw, clientConfig())
		defer c.Close()
		for range 3 {
			if _, err := c.Write([]byte("hello")); err != nil {
				return err
			}
			if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
				return err
			}
			_ = task.Sleep(time.Hour)
		}
		return nil
	})
}
