package looplabels

import (
	"context"
	"runtime/pprof"
	"runtime/trace"

	"github.com/ureactor/ureactor/reactor"
)

// Key is the key of the label in a profile. The label's value is the type of the handler, or the
// name of the function.
const Key = "callback"

// most is how many names are stored. Usual programs have fewer. All further names are shown as
// "other".
const most = 1024

// Profile labels the samples of a CPU profile with their callback: go tool pprof -tagfocus
// callback=NAME. It costs some hundred instructions for each callback. For a Task the label is the
// name of its function.
func Profile() reactor.Option {
	return option(func() (enter func(string), leave func()) {
		labels := map[string]context.Context{}
		none := context.Background()
		return func(name string) {
			ctx, ok := labels[name]
			if !ok {
				if len(labels) == most {
					name = "other"
				}
				ctx = pprof.WithLabels(none, pprof.Labels(Key, name))
				labels[name] = ctx
			}
			pprof.SetGoroutineLabels(ctx)
		}, func() { pprof.SetGoroutineLabels(none) }
	})
}

// Regions shows each callback as a region in an execution trace (runtime/trace). While no trace is
// recorded, it costs a few instructions for each callback. A step of a Task is a region of the
// loop's goroutine.
func Regions() reactor.Option {
	return option(func() (enter func(string), leave func()) {
		var region *trace.Region
		return func(name string) {
				if trace.IsEnabled() {
					region = trace.StartRegion(context.Background(), name)
				}
			}, func() {
				if region != nil {
					region.End()
					region = nil
				}
			}
	})
}

// option calls functions for each loop, because loops share no state.
func option(functions func() (enter func(string), leave func())) reactor.Option {
	return reactor.WithTraceFor(func() reactor.Trace {
		enter, leave := functions()
		return reactor.Trace{Enter: enter, Leave: leave}
	})
}
