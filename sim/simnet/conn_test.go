package simnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simnet"
)

// in runs f in a bubble with two hosts.
func in(t *testing.T, opt sim.Options, f func(n *simnet.Net, a, b *simnet.Host) error) {
	t.Helper()
	w := sim.New(1, opt)
	if err := simnet.Run(t, w, func(n *simnet.Net) error { return f(n, n.Host("10.0.0.1"), n.Host("10.0.0.2")) }); err != nil {
		t.Error(err)
	}
}

// The connections pass golang.org/x/net/nettest, with and without faults. The subtests of nettest
// cannot run in a bubble, so this world follows the machine's clock.
func TestConnsPassNettest(t *testing.T) {
	if !longtest.Default(t, "nettest once more") {
		return
	}
	for name, opt := range map[string]sim.Options{
		"quiet":  {},
		"faults": {Latency: time.Millisecond, Faults: sim.Faults{ShortRead: 20 * sim.Percent, ShortWrite: 20 * sim.Percent, Again: 10 * sim.Percent}},
		"kqueue": {Kernel: sim.FreeBSD},
	} {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(name+" "+network, func(t *testing.T) {
				t.Parallel()
				nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) { return pipe(network, opt) })
			})
		}
	}
}

func pipe(network string, opt sim.Options) (c1, c2 net.Conn, stop func(), err error) {
	w := sim.New(1, opt)
	a, b, live := w.Host("10.0.0.1"), w.Host("10.0.0.2"), w.Live()
	at := "10.0.0.1:80"
	if network == "unix" {
		b, at = a, "/socket"
	}
	on := func(h *sim.Host) *netconn.Net {
		k := live.Kernel(h)
		return inside.Net(k, desc.NewParker(k)).(*netconn.Net)
	}
	l, err := on(a).Listen(network, at)
	if err != nil {
		return nil, nil, nil, err
	}
	defer l.Close()
	accepted := make(chan error, 1)
	go func() { c, err := l.Accept(); c1 = c; accepted <- err }()
	c2, err = on(b).Dial(network, at)
	err = errors.Join(err, <-accepted)
	return c1, c2, func() { c1.Close(); c2.Close(); live.Close() }, err
}

// Dial, Listen and Read return the same errors as in package net, each at the expected virtual
// time.
func TestErrorsArePackageNets(t *testing.T) {
	in(t, sim.Options{Latency: 10 * time.Millisecond, Jitter: 1}, func(n *simnet.Net, a, b *simnet.Host) error {
		l, err := a.Listen("tcp", ":80")
		if err != nil {
			return err
		}
		dial := func(at string, limit time.Duration) func() error {
			return func() error { _, err := b.DialTimeout("tcp", at, limit); return err }
		}
		expect := func(what string, want error, after time.Duration, call func() error) {
			t.Helper()
			from := time.Now()
			err := call()
			var op *net.OpError
			if took := time.Since(from); !errors.Is(err, want) || !errors.As(err, &op) || took < after || took > after+20*time.Millisecond {
				t.Errorf("%s: after %v %v, want after %v %v", what, took, err, after, want)
			}
		}
		expect("no listener", kernel.ECONNREFUSED, 20*time.Millisecond, dial("10.0.0.1:81", time.Minute))
		expect("no host", kernel.EHOSTUNREACH, 3*time.Second, dial("10.0.0.9:80", time.Minute))
		expect("no route", kernel.ENETUNREACH, 0, dial("[fd00::1]:80", time.Minute))
		expect("used", kernel.EADDRINUSE, 0, func() error { _, err := a.Listen("tcp", ":80"); return err })
		c, err := b.Dial("tcp", "10.0.0.1:80")
		if err != nil {
			return err
		}
		s, err := l.Accept()
		if err != nil {
			return err
		}
		read := func() error { _, err := c.Read(make([]byte, 1)); return err }
		c.SetReadDeadline(time.Now().Add(1234567 * time.Nanosecond))
		expect("read deadline", os.ErrDeadlineExceeded, 1234567*time.Nanosecond, read)
		c.SetReadDeadline(time.Time{})
		n.Do(func(*sim.World) { a.Sim().Reset(80) })
		expect("reset", kernel.ECONNRESET, 0, read)
		c.Close()
		s.Close()
		expect("closed", net.ErrClosed, 0, read)
		n.Do(func(w *sim.World) { w.Partition([]*sim.Host{a.Sim()}, []*sim.Host{b.Sim()}) })
		expect("partition", context.DeadlineExceeded, time.Minute, dial("10.0.0.1:80", time.Minute))
		expect("partition, for ever", kernel.ETIMEDOUT, 63*time.Second, dial("10.0.0.1:80", 0))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		expect("context", context.DeadlineExceeded, time.Second, func() error { _, err := b.DialContext(ctx, "tcp", "10.0.0.1:80"); return err })
		return l.Close()
	})
}

// Dial and Listen resolve the names that World.Name has defined. They do not find another name.
func TestNamesAreTheWorlds(t *testing.T) {
	in(t, sim.Options{}, func(n *simnet.Net, a, b *simnet.Host) error {
		n.Do(func(w *sim.World) { w.Name("api.example", "10.0.0.1") })
		if _, err := a.Listen("tcp", "api.example:443"); err != nil {
			return err
		}
		c, err := b.Dial("tcp", "api.example:https")
		if err != nil {
			return err
		}
		if got := c.RemoteAddr().String(); got != "10.0.0.1:443" {
			t.Error(got)
		}
		ips, err := b.LookupNetIP(t.Context(), "ip", "api.example")
		var dns *net.DNSError
		if _, e := b.Dial("tcp", "else.example:1"); !errors.As(e, &dns) || !dns.IsNotFound || len(ips) != 1 {
			t.Errorf("%v, %v", e, ips)
		}
		return err
	})
}

// The faults lose and double datagrams with the given chances. No datagram is cut.
func TestPacketConnMeetsLoss(t *testing.T) {
	opt := sim.Options{Faults: sim.Faults{Loss: 20 * sim.Percent, Duplicate: 10 * sim.Percent}, Buffer: 1 << 20}
	in(t, opt, func(n *simnet.Net, a, b *simnet.Host) error {
		p, err := a.ListenPacket("udp", ":53")
		if err != nil {
			return err
		}
		c, err := b.Dial("udp", "10.0.0.1:53")
		if err != nil {
			return err
		}
		const sent = 500
		for i := range sent {
			if _, err := fmt.Fprint(c, i, " is whole"); err != nil {
				return err
			}
			if i%50 == 0 {
				time.Sleep(time.Millisecond) // the following datagrams are sent at one time
			}
		}
		p.SetReadDeadline(time.Now().Add(time.Second))
		seen, got := map[int]int{}, 0
		for buf := make([]byte, 100); ; got++ {
			n, _, err := p.ReadFrom(buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			var i int
			if _, e := fmt.Sscanf(string(buf[:n]), "%d is whole", &i); err != nil || e != nil {
				return errors.Join(err, e)
			}
			seen[i]++
		}
		if lost, doubled := sent-len(seen), got-len(seen); lost < 50 || lost > 150 || doubled < 10 || doubled > 90 {
			t.Errorf("%d lost, %d doubled", lost, doubled)
		}
		return nil
	})
}

// At a crash every call on the crashed host fails, even if the call has already been waiting. The
// host's peers are not notified. After a restart a new listener serves, and the old connections are
// reset.
func TestCrashFailsCallsAndRestartServesAgain(t *testing.T) {
	in(t, sim.Options{}, func(n *simnet.Net, a, b *simnet.Host) error {
		began := time.Now()
		serve := func(fails chan error) error {
			l, err := a.Listen("tcp", ":80")
			if err != nil {
				return err
			}
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						l.Close()
						fails <- err
						return
					}
					go func() {
						_, err := io.Copy(c, c)
						c.Close()
						fails <- err
					}()
				}
			}()
			return nil
		}
		fails := make(chan error)
		if err := serve(fails); err != nil {
			return err
		}
		c, err := b.Dial("tcp", "10.0.0.1:80")
		if err != nil {
			return err
		}
		buf := make([]byte, 10)
		fmt.Fprint(c, "x")
		if _, err := c.Read(buf); err != nil {
			return err
		}
		n.Do(func(w *sim.World) { w.At(time.Second, a.Sim().Crash) })
		for range 2 {
			if err := <-fails; !errors.Is(err, kernel.EBADF) && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}
		if at := time.Since(began); at < time.Second || at > time.Second+time.Millisecond || a.Up() {
			t.Errorf("the calls failed at %v", at)
		}
		if _, err := a.Listen("tcp", ":81"); err == nil {
			t.Error("a host that is down listens")
		}
		c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the peer of a crashed host: %v", err)
		}
		n.Do(func(*sim.World) { a.Sim().Restart() })
		if err := serve(fails); err != nil {
			return err
		}
		fmt.Fprint(c, "y")
		c.SetReadDeadline(time.Time{})
		if _, err := c.Read(buf); !errors.Is(err, kernel.ECONNRESET) {
			t.Errorf("the old connection: %v", err)
		}
		c.Close()
		if c, err = b.Dial("tcp", "10.0.0.1:80"); err != nil {
			return err
		}
		fmt.Fprint(c, "z")
		_, err = c.Read(buf)
		c.Close()
		<-fails
		n.Close()
		<-fails
		return err
	})
}
