//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A verdict has the first failure of a world.
type verdict struct {
	w   *sim.World
	err error
}

func (v *verdict) fail(format string, args ...any) {
	if v.err == nil {
		v.err = fmt.Errorf(format, args...)
		v.w.Note("%v", v.err)
	}
}

// onHost runs f in a task of the only program of the host. It checks that the program ends and
// leaves nothing.
func (v *verdict) onHost(h *sim.Host, f func(*reactor.Reactor, *reactor.Task)) error {
	h.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(h))
		must(err)
		r.Go(func(task *reactor.Task) {
			defer r.Close()
			f(r, task)
		})
		if err := r.Run(context.Background()); err != nil {
			v.fail("Run: %v", err)
		}
	})
	if err := v.w.RunUntilDone(24 * time.Hour); err != nil {
		return errors.Join(v.err, err)
	}
	if left := v.w.Leaks(); left != nil {
		v.fail("left: %v", left)
	}
	return v.err
}

func errnoOf(e kernel.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}
