package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
)

// finished returns a world in which the client has sent a FIN, and a Poller that reports the edges
// of the client's socket. The edge of the shutdown is already reported.
func finished(t *testing.T, seed uint64, k sim.Kernel) (w *sim.World, server, client *sim.Host, fd int, p poller.Poller) {
	t.Helper()
	w = sim.New(seed, sim.Options{Kernel: k, Latency: time.Millisecond})
	t.Cleanup(w.Close)
	server, client = w.Host("10.0.0.1"), w.Host("10.0.0.2")
	fd, l := across(w, server, client, func(*sim.Host, int) {})
	_, _, e := server.Accept(l)
	p, err := client.NewPoller()
	if e != 0 || err != nil || p.Add(fd, 1, poller.In|poller.Out|poller.Edge) != nil {
		t.Fatal(e, err)
	}
	if e := client.Shutdown(fd, kernel.SHUT_WR); e != 0 || reported(p) != 1 {
		t.Fatal("shutdown:", e)
	}
	return w, server, client, fd, p
}

func reported(p poller.Poller) int {
	n, _ := p.Wait(make([]poller.Event, 1), 0)
	return n
}

// The client sends a FIN, and the server does nothing. On Linux the server acknowledges the FIN
// after 4 to 44 ms, and the acknowledgement is an edge. Unsent counts the FIN until then.
func TestLinuxDelaysTheAcknowledgementOfAFIN(t *testing.T) {
	delays := map[int]bool{}
	for seed := range uint64(20) {
		for _, k := range []sim.Kernel{sim.Linux, sim.FreeBSD} {
			w, _, client, fd, p := finished(t, seed, k)
			waiting := func() bool {
				return slices.ContainsFunc(w.Netstat(), func(i sim.SocketInfo) bool { return i.State == "FIN_WAIT_1" })
			}
			ms := 0
			for ; waiting(); ms++ {
				if n, _ := client.Unsent(fd); k == sim.Linux && (n != 1 || reported(p) != 0) {
					t.Fatalf("seed %d, %v: %d unsent after %d ms", seed, k, n, ms)
				}
				must(t, w.Run(time.Millisecond))
			}
			if n, _ := client.Unsent(fd); n != 0 || k == sim.Linux && reported(p) != 1 {
				t.Errorf("seed %d, %v: %d unsent after the acknowledgement, or no edge", seed, k, n)
			}
			if k != sim.Linux && ms > 3 || k == sim.Linux && (ms < 6 || ms > 48) {
				t.Errorf("seed %d, %v: acknowledged after %d ms", seed, k, ms)
			}
			if k == sim.Linux {
				delays[ms] = true
			}
		}
	}
	if len(delays) < 5 {
		t.Errorf("the delays are %v ms", delays)
	}
}

// The server crashes before it has acknowledged the FIN. So the client sends the FIN again, and the
// server, which has restarted, answers with a reset.
func TestACrashLosesTheAcknowledgementOfAFIN(t *testing.T) {
	w, server, client, fd, _ := finished(t, 1, sim.Linux)
	must(t, w.Run(3*time.Millisecond))
	server.Crash()
	must(t, w.Run(time.Second))
	if n, e := client.Unsent(fd); n != 1 || e != 0 {
		t.Errorf("during the crash %d bytes are unsent, %v", n, e)
	}
	server.Restart()
	must(t, w.Run(10*time.Second))
	if n, _ := client.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR); kernel.Errno(n) != kernel.ECONNRESET {
		t.Errorf("after the restart: %v", kernel.Errno(n))
	}
}
