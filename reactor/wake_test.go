//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package reactor_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
)

// A wakeKernel records whether Wake was called on a closed Poller, whose descriptor number may
// belong to another file.
type wakeKernel struct {
	kernel.Kernel
	late atomic.Int32
}

type wakePoller struct {
	poller.Poller
	k      *wakeKernel
	closed atomic.Bool
}

func (k *wakeKernel) NewPoller() (poller.Poller, error) {
	p, err := k.Kernel.NewPoller()
	return &wakePoller{Poller: p, k: k}, err
}

func (p *wakePoller) Close() error {
	p.closed.Store(true)
	return p.Poller.Close()
}

func (p *wakePoller) Wake() error {
	if p.closed.Load() {
		p.k.late.Add(1)
		return nil
	}
	return p.Poller.Wake()
}

// Reactors end, one after the other, while goroutines post to them. Every accepted function
// runs. No wake-up is written to a closed descriptor.
func TestPostNeverWakesAClosedPoller(t *testing.T) {
	k := &wakeKernel{Kernel: kernel.Host}
	for range longtest.Count(30, 300, 300) {
		r, err := reactor.New(reactor.WithKernel(k))
		if err != nil {
			t.Fatal(err)
		}
		var accepted, ran atomic.Int32
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					err := r.Post(func() { ran.Add(1) })
					if errors.Is(err, reactor.ErrClosed) {
						return
					}
					if err == nil {
						accepted.Add(1)
					}
				}
			})
		}
		wg.Go(func() {
			if err := r.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if accepted.Load() != ran.Load() {
			t.Fatalf("%d accepted, %d ran", accepted.Load(), ran.Load())
		}
	}
	if n := k.late.Load(); n > 0 {
		t.Errorf("%d wake-ups of a closed poller", n)
	}
}
