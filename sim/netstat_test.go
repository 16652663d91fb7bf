package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// Netstat shows the kind and state of each descriptor, and also the connections that no program
// owns any more.
func TestNetstatShowsEverySocket(t *testing.T) {
	w := sim.New(2, sim.Options{})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	fa, fb := pairUp(t, w, a, b, 80)
	a.Send(fa, []byte("hello"), 0)
	must(t, w.Run(time.Second))
	udp, _ := b.Socket(2, 2, 0)
	b.Bind(udp, reactor.AddrFrom(addr("10.0.0.2:53")))
	reactorOn(a, "main", func(r *reactor.Reactor) {
		r.Listen("tcp4", ":81", func(*reactor.Conn) reactor.Handler { return echo{} })
	})
	must(t, w.Run(time.Second))
	show := func() string {
		var b strings.Builder
		for _, s := range w.Netstat() {
			fmt.Fprintln(&b, s.Host, s.Program, s.FD, s.Kind, strings.Split(s.Local, ":")[0], s.Remote, s.State, s.Received, s.Unsent)
		}
		return b.String()
	}
	want := "10.0.0.1  1000 tcp 10.0.0.1 10.0.0.2:80 ESTABLISHED 0 0\n" +
		"10.0.0.1 main 1001 poller    0 0\n" +
		"10.0.0.1 main 1002 tcp 0.0.0.0 0.0.0.0:0 LISTEN 0 0\n"
	if got := show(); !strings.HasPrefix(got, want) || !strings.Contains(got, " ESTABLISHED 5 0\n") ||
		!strings.Contains(got, "10.0.0.2  1000 udp 10.0.0.2 0.0.0.0:0  0 0\n") {
		t.Errorf("got\n%s", got)
	}
	b.Recv(fb, make([]byte, 9), 0)
	a.Close(fa)
	must(t, w.Run(time.Second))
	if got := show(); !strings.Contains(got, "10.0.0.1  -1 tcp 10.0.0.1 10.0.0.2:80 FIN_WAIT_2 0 0\n") || !strings.Contains(got, " CLOSE_WAIT 0 0\n") {
		t.Errorf("half closed:\n%s", got)
	}
	b.Close(fb)
	must(t, w.Run(time.Second))
	if got := show(); !strings.Contains(got, "10.0.0.1  -1 tcp 10.0.0.1 10.0.0.2:80 TIME_WAIT 0 0\n") {
		t.Errorf("closed:\n%s", got)
	}
	must(t, w.Run(2*time.Minute))
	if got := show(); strings.Contains(got, "-1") {
		t.Errorf("after TIME_WAIT:\n%s", got)
	}
}
