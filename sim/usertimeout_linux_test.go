package sim_test

import (
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// TCP_USER_TIMEOUT limits how long data or probes may be without an answer: then the connection
// ends. TCP_KEEPCNT is the number of probes.
func TestUserTimeoutAndKeepCount(t *testing.T) {
	const idle, interval = 10, 5
	for name, c := range map[string]struct {
		options map[int]int
		sends   bool
		want    time.Duration
	}{
		"data":                 {nil, true, 924 * time.Second},
		"data, with a timeout": {map[int]int{kernel.TCP_USER_TIMEOUT: 7000}, true, 7 * time.Second},
		"probes":               {nil, false, (idle + 9*interval) * time.Second},
		"three probes":         {map[int]int{kernel.TCP_KEEPCNT: 3}, false, (idle + 3*interval) * time.Second},
		"probes and a timeout": {map[int]int{kernel.TCP_USER_TIMEOUT: 12_000}, false, (idle + interval) * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w := sim.New(2, sim.Options{})
			defer w.Close()
			a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
			fa, _ := pairUp(t, w, a, b, 80)
			a.SetOpt(fa, kernel.SOL_SOCKET, kernel.SO_KEEPALIVE, 1)
			a.SetOpt(fa, kernel.IPPROTO_TCP, kernel.TCP_KEEPIDLE, idle)
			a.SetOpt(fa, kernel.IPPROTO_TCP, kernel.TCP_KEEPINTVL, interval)
			for o, v := range c.options {
				if e := a.SetOpt(fa, kernel.IPPROTO_TCP, o, v); e != 0 {
					t.Fatal(e)
				}
			}
			w.Cut(a, b)
			begin := w.Now()
			if c.sends {
				a.Send(fa, []byte("x"), 0)
			}
			e := kernel.Errno(0)
			must(t, w.RunUntil(func() bool {
				if n, _ := a.GetOpt(fa, kernel.SOL_SOCKET, kernel.SO_ERROR); n != 0 { // clears the error
					e = kernel.Errno(n)
				}
				return e != 0
			}, time.Hour))
			if d := w.Now() - begin; e != kernel.ETIMEDOUT || d < c.want || d > c.want+c.want/50+time.Second {
				t.Errorf("%v after %v, want %v", e, d, c.want)
			}
		})
	}
}
