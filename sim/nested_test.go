package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// Faults of new sockets do not concern Pollers: a Poller in another one reports its Events at once.
func TestAPollerIsNeverDeaf(t *testing.T) {
	for _, k := range everyKernel {
		w := sim.New(1, sim.Options{Kernel: k, Faults: sim.Faults{NeverReads: sim.Always, OneByte: sim.Always}})
		h := w.Host("10.0.0.1")
		outer, _ := h.NewPoller()
		inner, _ := h.NewPoller()
		if err := outer.Add(inner.FD(), 1, poller.In); err != nil {
			t.Fatal(k, err)
		}
		_, wr, _ := h.Pipe()
		inner.Add(wr, 1, poller.Out)
		var events [1]poller.Event
		if n, err := outer.Wait(events[:], h.Now()+timeout.Deadline(time.Second)); n != 1 || err != nil || w.Now() > time.Second/2 {
			t.Errorf("%v: %d Events, %v, at %v", k, n, err, w.Now())
		}
		w.Close()
	}
}

// Pollers that watch each other, themselves or a chain that is too long get the errors of Linux. A
// kqueue that watches itself gets FreeBSD's error, and fails the run on NetBSD.
func TestPollersThatWatchPollers(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	var chain []poller.Poller
	var errs []string
	for i := range 7 {
		p, _ := h.NewPoller()
		if chain = append(chain, p); i > 0 {
			err := p.Add(chain[i-1].FD(), 1, poller.In)
			errs = append(errs, fmt.Sprint(i, err))
		}
	}
	want := "[1<nil> 2<nil> 3<nil> 4<nil> 5epoll_add: " + kernel.ELOOP.Error() + " 6<nil>]"
	if got := strings.ReplaceAll(fmt.Sprint(errs), " <nil>", "<nil>"); strings.ReplaceAll(got, "5 epoll", "5epoll") != want {
		t.Errorf("a chain: %s, want %s", got, want)
	}
	if err := chain[0].Add(chain[2].FD(), 1, poller.In); err == nil || !strings.Contains(err.Error(), kernel.ELOOP.Error()) {
		t.Errorf("a ring: %v", err)
	}
	if err := chain[0].Add(chain[0].FD(), 1, poller.In); err == nil || !strings.Contains(err.Error(), kernel.EINVAL.Error()) {
		t.Errorf("itself: %v", err)
	}
	for k, fails := range map[sim.Kernel]bool{sim.FreeBSD: false, sim.NetBSD: true} {
		w := sim.New(1, sim.Options{Kernel: k})
		p, _ := w.Host("10.0.0.1").NewPoller()
		if err := p.Add(p.FD(), 1, poller.In); err == nil || !strings.Contains(err.Error(), kernel.EINVAL.Error()) {
			t.Errorf("%v: itself: %v", k, err)
		}
		if err := w.Err(); (err != nil) != fails || fails && !strings.Contains(err.Error(), "registers kqueue 1000 with itself: NetBSD's kernel hangs") {
			t.Errorf("%v: the run has failed: %v", k, err)
		}
		w.Close()
	}
}
