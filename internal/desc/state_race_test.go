//go:build race && (linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package desc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// Each case breaks one row of the table of Desc or Call. The next check must panic with the field's
// name.
func TestRaceBuildsCheckTheState(t *testing.T) {
	for _, x := range []struct {
		field string
		spoil func(d *Desc, c *Call)
	}{
		{"finished", func(d *Desc, _ *Call) { d.finished = true }},
		{"detached", func(d *Desc, _ *Call) { d.detached = true }},
		{"registered", func(d *Desc, _ *Call) { d.registered, d.suspended = true, true }},
		{"output", func(d *Desc, _ *Call) { d.output = true }},
		{"level", func(d *Desc, _ *Call) { d.registered, d.level = true, true }},
		{"suspended", func(d *Desc, _ *Call) { d.suspended = true }},
		{"keepsParker", func(d *Desc, _ *Call) { d.keepsParker = true }},
		{"unturned", func(d *Desc, _ *Call) { d.unturned = 2 }},
		{"userCalls", func(d *Desc, _ *Call) { d.userCalls, d.refs = 1, d.refs-1 }},
		{"waiting", func(d *Desc, _ *Call) { d.dirs[Out].waiting = &goroutineSleeper{} }},
		{"queue", func(d *Desc, _ *Call) { d.queue(Out).add(&queued{}) }},
		{"queued", func(d *Desc, _ *Call) { d.dirs[Out].busy, d.dirs[Out].queued = true, true; d.queue(Out) }},
		{"busy", func(d *Desc, _ *Call) { d.dirs[In].busy = false }},
		{"closedCh", func(d *Desc, _ *Call) { d.ensureExtra().closedCh = make(chan struct{}) }},
		{"moved", func(_ *Desc, c *Call) { c.moved = 3 * PartMost }},
		{"begun", func(_ *Desc, c *Call) { c.begun = true }},
	} {
		t.Run(x.field, func(t *testing.T) {
			d, c := New(kernel.Host, -1, NewParker(kernel.Host)), Call{Limit: timeout.None}
			wantStatePanic(t, x.field, func() {
				d.Do(In, &c, func() (int, Errno) {
					x.spoil(d, &c)
					return 1, kernel.EINVAL // with an error, Do does not change the broken state
				})
			})
		})
	}
	for _, x := range []struct {
		field string
		c     Call
	}{
		{"ref", Call{ref: true}},
		{"Again", Call{Again: true}},
		{"sleepFirst", Call{sleepFirst: true}},
		{"begun", Call{Limit: timeout.None, begun: true}},
	} {
		t.Run("begin/"+x.field, func(t *testing.T) {
			d := New(kernel.Host, -1, NewParker(kernel.Host))
			wantStatePanic(t, x.field, func() { d.Do(In, &x.c, func() (int, Errno) { return 0, 0 }) })
		})
	}
	t.Run("spent", func(t *testing.T) {
		d := New(kernel.Host, -1, NewParker(kernel.Host))
		d.dirs[In].busy, d.dirs[In].spent = true, budget+1
		wantStatePanic(t, "spent", func() { d.checkTurn(In) })
	})
	t.Run("Close", func(t *testing.T) {
		d := New(kernel.Host, -1, NewParker(kernel.Host))
		d.unturned = 2
		wantStatePanic(t, "unturned", func() { d.Close() })
	})
}

func wantStatePanic(t *testing.T, field string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if text := fmt.Sprint(recover()); !strings.Contains(text, "desc: state of") || !strings.Contains(text, field) {
			t.Errorf("panic %q does not name %s", text, field)
		}
	}()
	f()
}
