//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// same fails the test unless both errors have the same text, types and results of methods.
func same(t *testing.T, who string, got, want error) {
	t.Helper()
	if everything(got) != everything(want) {
		t.Errorf("%s: %s\nnet: %s", who, everything(got), everything(want))
	}
}

// Dial, Listen and ListenPacket have the same result as in package net for each pair of network and
// address. Some addresses are impossible, and some belong to another network than the one that is
// given.
func TestAddressesAreThoseOfPackageNet(t *testing.T) {
	taken := busy(t).String()
	addresses := []string{"127.0.0.1", "127.0.0.1:", "127.0.0.1:nonesuch", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:0x1",
		"::1:80", "[::1:80", "::1]:80", "[::1]", "[]:x", "127.0.0.1:1:2", "[::1%nonesuch]:0", "[fe80::1%nonesuch]:0",
		"no such host:0", "no such host:nonesuch", "256.0.0.1:0", "192.0.2.1:0", "[2001:db8::1]:0", "[::1]:0", "127.0.0.1:0",
		"localhost:0", "localhost:nonesuch", taken}
	for _, network := range []string{"tcp", "nonesuch", "udp6", "tcp4", "tcp6", "udp", "udp4", "", "tcp5", "TCP", "tcp:0", "udp4:17"}[:longtest.Count(3, 12, 12)] {
		for _, address := range addresses {
			t.Run(network+" "+address, func(t *testing.T) {
				var errs [2][3]error
				for i, s := range stacks {
					errs[i] = [3]error{second(s.listen(network, address)), second(s.listenPacket(network, address)), nil}
					// Skip addresses of other machines.
					if !strings.HasPrefix(address, "192.0.2.1") && !strings.HasPrefix(address, "[2001:db8") {
						errs[i][2] = second(s.dial(network, address))
					}
				}
				for i, call := range []string{"Listen", "ListenPacket", "Dial"} {
					same(t, call, errs[1][i], errs[0][i])
				}
			})
		}
	}
}

// Dial, Listen and ListenPacket have the same result as in package net for each path. There is one
// exception: package net opens useless sockets for ListenPacket("unix") and Listen("unixgram"), and
// netconn refuses to.
func TestPathsAreThoseOfPackageNet(t *testing.T) {
	stream, gram := free(t, "unix"), free(t, "unixgram")
	for _, s := range stacks[:1] {
		l, err := s.listen("unix", stream)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p, err := s.listenPacket("unixgram", gram)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
	}
	dir := t.TempDir()
	for name, path := range map[string]string{"of a stream": stream, "of datagrams": gram, "a directory": dir, "nowhere": filepath.Join(dir, "x"),
		"no directory": filepath.Join(dir, "x", "y"), "below a file": filepath.Join(stream, "x"), "too long": dir + strings.Repeat("x", 200)} {
		t.Run(name, func(t *testing.T) {
			for _, network := range []string{"unix", "unixgram"} {
				same(t, "Dial "+network, second(stacks[1].dial(network, path)), second(stacks[0].dial(network, path)))
			}
			if name == "nowhere" {
				return // on this system such an address is valid
			}
			same(t, "Listen", second(stacks[1].listen("unix", path)), second(stacks[0].listen("unix", path)))
			same(t, "ListenPacket", second(stacks[1].listenPacket("unixgram", path)), second(stacks[0].listenPacket("unixgram", path)))
		})
	}
	for network, listen := range map[string]func(network, address string) error{
		"unixgram": func(n, a string) error { return second(netconn.Listen(n, a)) },
		"unix":     func(n, a string) error { return second(netconn.ListenPacket(n, a)) },
	} {
		if err := listen(network, filepath.Join(dir, "x")); !strings.Contains(fmt.Sprint(err), "unexpected address type") {
			t.Errorf("%s: %v", network, err)
		}
	}
}

// A dial is ended before the lookup, during the lookup, or during the connect, by its context or by
// a timeout. The error is the same as in package net, both in a goroutine and in a task. For the
// lookup, the test's name server does not answer.
func TestDialEndsInEachPhase(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	asked := deaf(t)
	r := start(t)
	ways := []stack{stacks[0], stacks[1], {name: "task", dialContext: func(ctx context.Context, network, address string) (c net.Conn, err error) {
		inTask(r, func(*reactor.Task) { c, err = netconn.On(r).DialContext(ctx, network, address) })
		return c, err
	}}}
	for _, network := range []string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix"} {
		for _, phase := range []string{"before", "lookup", "connect"} {
			address := map[string]string{"before": "127.0.0.1:1", "lookup": "nobody.answers.invalid:1"}[phase]
			switch {
			case phase != "before" && network == "unix", phase == "connect" && strings.HasPrefix(network, "udp"):
				continue // this network has no such phase, or the phase takes no time
			case phase == "connect":
				address = full(t, network)
			}
			for end, begin := range endings {
				t.Run(fmt.Sprint(network, " ", end, " ", phase), func(t *testing.T) {
					if phase == "connect" {
						t.Parallel() // the tests with a lookup share asked, so they cannot be parallel
					}
					var want error
					for i, way := range ways {
						var err error
						for wait, reached := 5*time.Millisecond, false; !reached; wait *= 2 {
							ctx, release := begin(t, phase, asked, wait)
							err = second(way.dialContext(ctx, network, address))
							reached = release()
						}
						if i == 0 {
							want = err
							// Package net has two timers for this context, and reports the one that fires first.
							if end == "expired" && errors.Is(err, os.ErrDeadlineExceeded) {
								var op *net.OpError
								errors.As(err, &op)
								want = &net.OpError{Op: "dial", Net: network, Addr: op.Addr, Err: contextExpired{}}
							}
							continue
						}
						same(t, way.name, err, want)
					}
					if want == nil {
						t.Error("it has not ended")
					}
				})
			}
		}
	}
}

// endings contains ways to end a dial in a given phase. Each function returns a context, and a
// function to call after the dial, which reports whether the phase was reached. On a busy machine
// the time may pass before the lookup begins.
var endings = map[string]func(t *testing.T, phase string, asked <-chan struct{}, wait time.Duration) (context.Context, func() bool){
	"cancelled": func(t *testing.T, phase string, asked <-chan struct{}, _ time.Duration) (context.Context, func() bool) {
		ctx, cancel := context.WithCancel(t.Context())
		switch phase {
		case "before":
			cancel()
		case "connect":
			time.AfterFunc(10*time.Millisecond, cancel)
		}
		var waiting sync.WaitGroup
		if phase == "lookup" {
			waiting.Go(func() { <-asked; cancel() })
		}
		return ctx, func() bool { waiting.Wait(); cancel(); return true }
	},
	"expired": func(t *testing.T, phase string, asked <-chan struct{}, wait time.Duration) (context.Context, func() bool) {
		at := time.Now().Add(wait)
		switch phase {
		case "before":
			at = time.Unix(1, 0)
		case "connect":
			at = at.Add(200 * time.Millisecond) // the test cannot see when the connect begins
		}
		ctx, cancel := context.WithDeadline(t.Context(), at)
		return ctx, func() bool {
			defer cancel()
			if phase != "lookup" {
				return true
			}
			select {
			case <-asked:
				return true
			default:
				return false
			}
		}
	},
}

// contextExpired is the error of package net if the timer of the context fires first.
type contextExpired struct{}

func (contextExpired) Error() string        { return "i/o timeout" }
func (contextExpired) Timeout() bool        { return true }
func (contextExpired) Temporary() bool      { return true }
func (contextExpired) Is(target error) bool { return target == context.DeadlineExceeded }

// deaf makes lookups use a name server that never answers, until the test ends. The channel
// receives a value for each question.
func deaf(t *testing.T) <-chan struct{} {
	asked := make(chan struct{}, 1)
	old := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = old })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case asked <- struct{}{}:
		case <-ctx.Done():
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	return asked
}
