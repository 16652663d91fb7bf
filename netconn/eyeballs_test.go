//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// The dials run in tasks of a simulated host. An address that does not answer costs the fallback
// delay, and an address that refuses costs no time. If no address answers, the dial ends at its
// timeout. No attempt leaves anything behind.
func TestASilentAddressCostsTheFallbackDelay(t *testing.T) {
	const delay = 300 * time.Millisecond
	nine := []string{"10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5", "10.0.1.6", "10.0.1.7", "10.0.1.8", "10.0.1.9"}
	for _, row := range []struct {
		addrs []string
		d     netconn.Dialer
		want  time.Duration
		fails bool
	}{
		{[]string{"10.0.0.2"}, netconn.Dialer{}, 0, false},
		{[]string{"10.0.1.1", "10.0.0.2"}, netconn.Dialer{}, delay, false},
		{[]string{"fd00::3", "fd00::3", "10.0.0.2"}, netconn.Dialer{}, delay, false},
		{[]string{"10.0.0.1", "10.0.0.2"}, netconn.Dialer{}, 0, false}, // refused
		{append(nine, "10.0.0.2"), netconn.Dialer{}, 9 * delay, false},
		{[]string{"10.0.1.1", "10.0.0.2"}, netconn.Dialer{FallbackDelay: time.Second}, time.Second, false},
		{[]string{"10.0.1.1", "10.0.0.2"}, netconn.Dialer{FallbackDelay: -1, Timeout: 20 * time.Second}, 10 * time.Second, false},
		{[]string{"10.0.1.1", "10.0.1.2"}, netconn.Dialer{Timeout: 5 * time.Second}, 5 * time.Second, true},
		// More than RacersMost attempts run, so the attempt at the first address is given up.
		{nine, netconn.Dialer{Timeout: 5 * time.Second}, 5 * time.Second, true},
	} {
		t.Run(fmt.Sprint(row.addrs, row.want), func(t *testing.T) {
			took, err := dialInWorld(t, row.addrs, row.d)
			if (err != nil) != row.fails || took < row.want || took > row.want+100*time.Millisecond {
				t.Errorf("%v after %v, want %v", err, took, row.want)
			}
			if row.fails && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}

// dialInWorld dials all addresses as the addresses of one name. 10.0.0.2 answers, 10.0.0.1 refuses,
// and the others do not answer.
func dialInWorld(t *testing.T, addrs []string, d netconn.Dialer) (took time.Duration, err error) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	client, good := w.Host("10.0.0.1", "fd00::1"), w.Host("10.0.0.2")
	silent := w.Host("fd00::3", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5", "10.0.1.6", "10.0.1.7", "10.0.1.8", "10.0.1.9")
	w.Cut(client, silent)
	w.Name("host", addrs...)
	good.Boot("server", func() {
		r, err := reactor.New(reactor.WithKernel(good))
		if err != nil {
			t.Error(err)
			return
		}
		r.Go(func(*reactor.Task) {
			if _, err := netconn.On(r).Listen("tcp", ":7"); err != nil {
				t.Error(err)
			}
		})
		r.After(time.Hour, func() { r.Close() })
		_ = r.Run(context.Background())
	})
	client.Boot("client", func() {
		r, e := reactor.New(reactor.WithKernel(client))
		if e != nil {
			t.Error(e)
			return
		}
		r.Go(func(task *reactor.Task) {
			d.Net = netconn.On(r)
			began, before := r.Now(), client.Files()
			var c net.Conn
			if c, err = d.Dial("tcp", "host:7"); err == nil {
				c.Close()
			}
			took = time.Duration(r.Now() - began)
			if e := task.Sleep(time.Millisecond); e != nil || client.Files() != before || r.Stats().Tasks != 1 {
				t.Errorf("%v, %d descriptors, then %d, and %d tasks", e, before, client.Files(), r.Stats().Tasks)
			}
		})
		r.After(time.Minute, func() { r.Close() })
		_ = r.Run(context.Background())
	})
	if err := w.RunUntilDone(2 * time.Hour); err != nil {
		t.Error(err)
	}
	return took, err
}

// If all addresses of a name refuse, the dial returns the error of the first address, as in package
// net.
func TestTheErrorIsThatOfTheFirstAddress(t *testing.T) {
	for _, addrs := range [][]string{{"10.0.0.1", "fd00::1"}, {"fd00::1", "10.0.0.1"}} {
		_, err := dialInWorld(t, addrs, netconn.Dialer{})
		var op *net.OpError
		if !errors.As(err, &op) || op.Addr.(*net.TCPAddr).IP.String() != addrs[0] {
			t.Errorf("%v: %v", addrs, err)
		}
	}
}

// In a goroutine, a dial also tries the second address while the first one does not answer. It
// returns the connection to the second address.
func TestTheNextAddressIsTriedBesideASilentOne(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	hole := full(t, "tcp6")
	_, port, _ := net.SplitHostPort(hole)
	if n, _ := strconv.Atoi(port); n == 0 {
		t.Fatal(hole)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:"+port)
	if err != nil {
		t.Logf("the port is used in the other family: %v", err)
		return
	}
	defer l.Close()
	var mu sync.Mutex
	var seen []string
	note := func(s string) { mu.Lock(); seen = append(seen, s); mu.Unlock() }
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		ConnectStart: func(_, addr string) { note("start " + addr) },
		ConnectDone:  func(_, addr string, _ error) { note("done " + addr) },
	})
	d := netconn.Dialer{Resolver: names(map[dnsmessage.Type]dnsmessage.ResourceBody{
		dnsmessage.TypeA:    &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		dnsmessage.TypeAAAA: &dnsmessage.AAAAResource{AAAA: [16]byte{15: 1}},
	}), FallbackDelay: 20 * time.Millisecond}
	c, err := d.DialContext(ctx, "tcp", "both.test.:"+port)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"start [::1]:" + port, "start 127.0.0.1:" + port, "done 127.0.0.1:" + port}; len(seen) < 3 || !slices.Equal(seen[:3], want) {
		t.Errorf("%q, want %q", seen, want)
	}
}

// names returns a Resolver whose name server gives the same answers for every name.
func names(answers map[dnsmessage.Type]dnsmessage.ResourceBody) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		c, server := net.Pipe()
		go func() {
			defer server.Close()
			for {
				var size [2]byte
				if _, err := io.ReadFull(server, size[:]); err != nil {
					return
				}
				q := make([]byte, binary.BigEndian.Uint16(size[:]))
				var m dnsmessage.Message
				if _, err := io.ReadFull(server, q); err != nil || m.Unpack(q) != nil {
					return
				}
				m.Response, m.Additionals = true, nil
				if a := answers[m.Questions[0].Type]; a != nil {
					m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET}, Body: a}}
				}
				p, err := m.Pack()
				if err != nil {
					return
				}
				if _, err := server.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(p))), p...)); err != nil {
					return
				}
			}
		}()
		return c, nil
	}}
}
