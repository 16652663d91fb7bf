//go:build unix

package reactor

import (
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A Dial costs the same however many connects have not begun yet. So sixteen times as many Dials in
// one callback take about sixteen times as long. The allowed ratio is larger than sixteen, because
// the machine may be busy.
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
			c := r.unconnected.oldest // in the order of the turns, but without the kernel
			r.removeUnconnected(c)
		}
		took := time.Since(began)
		for r.dials.len() > 0 {
			r.dials.take().tearDown(ErrAborted)
		}
		return took
	}
	few, many := min(took(1000), took(1000), took(1000)), took(16_000)
	for range 100 { // on a busy machine some tries take longer, so the least of each counts
		if many <= 16*8*few {
			return
		}
		many = min(many, took(16_000))
	}
	t.Errorf("1000 Dials take %v, 16,000 take %v", few, many)
}

// Close on another goroutine, which is misuse, still wakes a sleeping loop, so that the drain
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
	for r.awake.Load() != 0 { // until it sleeps
		time.Sleep(time.Millisecond)
	}
	r.Close()
	select {
	case err := <-ran:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the loop sleeps on")
	}
}
