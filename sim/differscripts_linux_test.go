package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// Scripts of random calls run on the host's kernel and on a simulated one: every result and every
// Event, edge- and level-triggered, is the same.
func TestSimulatedKernelDoesWhatTheHostDoes(t *testing.T) {
	most := 4000
	if race {
		most = 200
	}
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) {
			for seed := range longtest.Seeds(t, 15, min(250, most), most) {
				if err := differs(seed, false, make); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// As above, but some sends fill a socket or the window, and the peer drains it. The test then waits
// until the host has acknowledged everything. Scripts run at the same time, because they wait.
func TestSimulatedKernelFillsAsTheHostDoes(t *testing.T) {
	for _, name := range []string{"tcp", "tcp6"} {
		t.Run(name, func(t *testing.T) {
			var all sync.WaitGroup
			defer all.Wait()
			free := make(chan struct{}, 32)
			for seed := range longtest.Seeds(t, 10, 60, 2000) {
				free <- struct{}{}
				all.Go(func() {
					if err := differs(seed, true, kinds[name]); err != nil {
						t.Error(err)
					}
					<-free
				})
			}
		})
	}
}

// differs returns an error if a script of the seed has other results on a simulated kernel.
func differs(seed uint64, full bool, connect func(m *machine) error) error {
	host, simulated, err := compare(seed, full, connect)
	// A busy host may report an edge late. So only a difference that remains counts.
	for pause := time.Millisecond; pause < 2*time.Second && err == nil && !slices.Equal(host, simulated); pause *= 2 {
		time.Sleep(pause)
		host, simulated, err = compare(seed, full, connect)
	}
	for i := range host {
		if i >= len(simulated) || host[i] != simulated[i] {
			return fmt.Errorf("seed %d, the host:\n\t%s\nsimulated:\n\t%s", seed, strings.Join(host[:i+1], "\n\t"),
				strings.Join(simulated[min(i, len(simulated)-1):min(i+1, len(simulated))], "\n\t"))
		}
	}
	return err
}

// compare runs a script on both kernels, the host first. Linux delays the acknowledgement of a FIN,
// and the delay depends on the host's timers and on the sizes of segments. So the simulated kernel
// gets the time to acknowledge it in the step in which the host did.
func compare(seed uint64, full bool, connect func(m *machine) error) (host, simulated []string, err error) {
	rnd := sim.New(seed, sim.Options{}).Rand()
	var script [][3]int
	ops := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 11}
	if full { // more shutdowns
		ops = []int{0, 1, 1, 2, 3, 4, 4, 4, 5, 6, 6, 6, 8, 9, 11, 11, 11, 12, 12}
	}
	for range 40 {
		script = append(script, [3]int{ops[rnd.Int(len(ops))], rnd.Int(2), rnd.Int(1000)})
	}
	h := &machine{k: kernel.Host, pause: func() {}}
	if full {
		h.full, h.settle = new([2]bool), h.acknowledged
	}
	if err := h.run(script, connect, h.hearACK); err != nil {
		return nil, nil, err
	}
	w := sim.New(seed, sim.Options{Buffer: 1 << 20})
	defer w.Close()
	s := &machine{k: w.Host("10.0.0.1")}
	idle, err := s.k.NewPoller()
	if err != nil {
		return nil, nil, err
	}
	defer idle.Close()
	sleep := func(d time.Duration) {
		var none [1]poller.Event
		idle.Wait(none[:], s.k.Now()+timeout.Deadline(d))
	}
	s.pause = func() { sleep(20 * time.Microsecond) } // 40 of these are less than the delay
	if full {
		s.full, s.settle = new([2]bool), func() { sleep(time.Second) }
	}
	err = s.run(script, connect, func() {
		if h.acked[len(s.acked)] {
			sleep(time.Second)
		}
		s.acked = append(s.acked, true)
	})
	return h.log, s.log, errors.Join(err, w.Err())
}

// run makes the calls of a script, and calls after at the end of each step.
func (m *machine) run(script [][3]int, connect func(m *machine) error, after func()) (err error) {
	if m.p, err = m.k.NewPoller(); err != nil {
		return err
	}
	defer m.p.Close()
	if err := connect(m); err != nil {
		return err
	}
	for _, step := range script {
		m.do(step[0], step[1], step[2])
		after()
	}
	m.stop()
	return nil
}
