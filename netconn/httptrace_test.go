//go:build unix

package netconn_test

import (
	"context"
	"fmt"
	"net"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// httptrace gets the same reports of a dial as in package net: the lookup, and each connect with
// its result. The dial runs in a goroutine and in a task. Connects that the lookup makes to a name
// server are not reported.
func TestHTTPTraceReportsConnects(t *testing.T) {
	l := listening(t, stacks[0], "tcp", "127.0.0.1:0")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	r := start(t)
	ways := []stack{stacks[0], stacks[1], {name: "task", dialContext: func(ctx context.Context, network, address string) (c net.Conn, err error) {
		inTask(r, func(*reactor.Task) { c, err = netconn.On(r).DialContext(ctx, network, address) })
		return c, err
	}}}
	for _, address := range []string{"127.0.0.1:" + port, "localhost:" + port, closedPort(t), "no such host:1"} {
		var want string
		for i, way := range ways {
			var mu sync.Mutex
			var seen []string
			note := func(format string, args ...any) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, strings.ReplaceAll(fmt.Sprintf(format, args...), port, "PORT"))
			}
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				DNSStart:     func(i httptrace.DNSStartInfo) { note("lookup of %s", i.Host) },
				DNSDone:      func(i httptrace.DNSDoneInfo) { note("%d addresses, %t", len(i.Addrs), i.Err != nil) },
				ConnectStart: func(network, addr string) { note("connect %s %s", network, addr) },
				ConnectDone:  func(network, addr string, err error) { note("connected %s %s %v", network, addr, err) },
			})
			c, err := way.dialContext(ctx, "tcp", address)
			if err == nil {
				c.Close()
			}
			mu.Lock()
			if slices.Contains(seen, "connect tcp [::1]:PORT") {
				// The order of concurrent connects varies.
				slices.Sort(seen)
			}
			got := strings.Join(seen, "; ")
			mu.Unlock()
			if i == 0 {
				want = got
			} else if got != want {
				t.Errorf("%s, %s: %s\nnet: %s", way.name, address, got, want)
			}
		}
	}
}
