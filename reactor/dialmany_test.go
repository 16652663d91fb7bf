//go:build unix

package reactor

import (
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// The cost of a Dial does not depend on how many Dials have not begun to connect. So sixteen times
// as many Dials in one callback take about sixteen times as long. The allowed ratio is larger,
// because the machine may be busy.
func TestManyDialsAreLinear(t *testing.T) {
	if !longtest.Default(t, "many connections") {
		return
	}
	took := func(n int) time.Duration {
		r := manual(t)
		began := time.Now()
		for range n {
			if _, err := r.Dial("unix", "@nobody", &hooks{}); err != nil {
				t.Fatal(err)
			}
		}
		for r.unconnected.n > 0 {
			c := r.unconnected.oldest // the order in which turns would connect them, but without the kernel
			r.removeUnconnected(c)
		}
		took := time.Since(began)
		for r.dials.len() > 0 {
			r.dials.take().tearDown(ErrAborted)
		}
		return took
	}
	few, many := min(took(1000), took(1000), took(1000)), took(16_000)
	for range 100 { // the shortest time of each counts, because a busy machine makes some tries longer
		if many <= 16*8*few {
			return
		}
		many = min(many, took(16_000))
	}
	t.Errorf("1000 Dials take %v, 16,000 take %v", few, many)
}

// Close on another goroutine is misuse. It still wakes a loop that sleeps, so that the drain
// begins.
func TestCloseWakesTheLoop(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- r.Run(t.Context()) }()
	turned := make(chan struct{})
	if err := r.Post(func() { close(turned) }); err != nil {
		t.Fatal(err)
	}
	<-turned
	for r.awake.Load() != 0 { // until the loop sleeps
		time.Sleep(time.Millisecond)
	}
	r.Close()
	select {
	case err := <-ran:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(guard):
		t.Fatal("the loop sleeps on")
	}
}
