//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package reactor_test

import (
	"context"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// A signal may come before the loop runs. Then Shutdown ends the reactor without Run. Run may be
// called before, after or at the same time. It returns the same result and does not panic.
func TestShutdownBeforeRun(t *testing.T) {
	for range longtest.Count(40, 200, 200) {
		r, err := reactor.New()
		if err != nil {
			t.Fatal(err)
		}
		ran := false
		r.Go(func(*reactor.Task) { ran = true })
		ended := make(chan error)
		go func() { ended <- r.Shutdown(context.Background()) }()
		if err := r.Run(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if !ran {
			t.Error("the task was dropped")
		}
	}
}
