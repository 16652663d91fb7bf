package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// again repeatedly dials a port where nobody listens, until a given time.
type again struct {
	r     *reactor.Reactor
	until time.Duration
	w     *sim.World
}

func (again) Data(*reactor.Conn, []byte) {}

func (a again) Closed(*reactor.Conn, error) {
	a.r.After(time.Second, func() {
		if a.w.Now() < a.until {
			a.r.Dial("tcp", "10.0.0.1:80", a)
		}
	})
}

// If a program repeats calls until the time limit, the error is a Livelock and lists these calls.
// If a program has given up, or its timers change nothing, the error is a Deadlock.
func TestLivelockAndDeadlockAreTwoReports(t *testing.T) {
	for name, test := range map[string]struct {
		until time.Duration
		ticks bool
		want  []string
	}{
		"livelock":              {time.Hour, false, []string{": livelock: after 1m0s programs are still busy", "10.0.0.2: ", "epoll_wait ", "socket 6", "connect 6", "close 6", "10.0.0.2/client: no descriptor"}},
		"gave up":               {30 * time.Second, false, []string{": deadlock: no event is pending", "10.0.0.2/client: no descriptor"}},
		"a timer does nothing":  {0, true, []string{": deadlock: no event is pending", "10.0.0.2/client: no descriptor"}},
		"gave up with no limit": {30 * time.Second, false, []string{": deadlock: no event is pending"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := sim.New(1, sim.Options{})
			defer w.Close()
			w.Host("10.0.0.1")
			h := w.Host("10.0.0.2")
			h.Boot("client", func() {
				r, err := reactor.New(reactor.WithKernel(h))
				if err != nil {
					panic(err)
				}
				again{r, test.until, w}.Closed(nil, nil)
				if test.ticks {
					var tick func()
					tick = func() { r.After(time.Second, tick) }
					tick()
				}
				r.Run(context.Background())
			})
			limit := time.Minute
			if strings.HasSuffix(name, "no limit") {
				limit = 0
			}
			err := w.RunUntilDone(limit)
			var dead *sim.Deadlock
			var live *sim.Livelock
			if is := errors.As(err, &live); is == errors.As(err, &dead) || is != (name == "livelock") {
				t.Errorf("got %T", err)
			}
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v\ndoes not say %q", err, want)
				}
			}
		})
	}
}
