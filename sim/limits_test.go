package sim_test

import (
	"io"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// The least and the largest value of each setting are accepted. One beyond them panics.
func TestLimitsThemselvesAreAllowed(t *testing.T) {
	const hour, century = time.Hour, 100 * 365 * 24 * time.Hour
	new := func(o sim.Options) func(*sim.World, *sim.Host) {
		return func(*sim.World, *sim.Host) { sim.New(1, o).Close() }
	}
	type set = func(w *sim.World, h *sim.Host)
	link := func(f func(l *sim.Link)) set {
		return func(w *sim.World, h *sim.Host) { f(w.Link(h, w.Host("10.0.0.2"))) }
	}
	for name, c := range map[string]struct{ least, most, less, more set }{
		"latency of a link": {link(func(l *sim.Link) { l.SetLatency(0, 0) }), link(func(l *sim.Link) { l.SetLatency(hour, hour) }),
			link(func(l *sim.Link) { l.SetLatency(-1, 0) }), link(func(l *sim.Link) { l.SetLatency(hour+1, 0) })},
		"jitter of a link": {nil, nil, link(func(l *sim.Link) { l.SetLatency(0, -1) }), link(func(l *sim.Link) { l.SetLatency(0, hour+1) })},
		"loss of a link": {link(func(l *sim.Link) { l.SetLoss(0) }), link(func(l *sim.Link) { l.SetLoss(sim.Always) }),
			link(func(l *sim.Link) { l.SetLoss(-1) }), link(func(l *sim.Link) { l.SetLoss(sim.Always + 1) })},
		"MTU of a link": {link(func(l *sim.Link) { l.SetMTU(0) }), link(func(l *sim.Link) { l.SetMTU(32 << 10) }),
			link(func(l *sim.Link) { l.SetMTU(-1) }), link(func(l *sim.Link) { l.SetMTU(32<<10 + 1) })},
		"bandwidth of a link": {link(func(l *sim.Link) { l.SetBandwidth(0) }), nil, link(func(l *sim.Link) { l.SetBandwidth(-1) }), nil},
		"latency of a host": {func(_ *sim.World, h *sim.Host) { h.SetLatency(0) }, func(_ *sim.World, h *sim.Host) { h.SetLatency(hour) },
			func(_ *sim.World, h *sim.Host) { h.SetLatency(-1) }, func(_ *sim.World, h *sim.Host) { h.SetLatency(hour + 1) }},
		"latency of a world": {nil, func(w *sim.World, _ *sim.Host) { w.SetLatency(hour, hour) },
			func(w *sim.World, _ *sim.Host) { w.SetLatency(-1, 0) }, func(w *sim.World, _ *sim.Host) { w.SetLatency(0, hour+1) }},
		"pause": {func(_ *sim.World, h *sim.Host) { h.Pause(1) }, func(_ *sim.World, h *sim.Host) { h.Pause(hour) },
			func(_ *sim.World, h *sim.Host) { h.Pause(0) }, func(_ *sim.World, h *sim.Host) { h.Pause(hour + 1) }},
		"step of the clock": {func(_ *sim.World, h *sim.Host) { h.StepClock(-century) }, func(_ *sim.World, h *sim.Host) { h.StepClock(century) },
			func(_ *sim.World, h *sim.Host) { h.StepClock(-century - 1) }, func(_ *sim.World, h *sim.Host) { h.StepClock(century + 1) }},
		"drift": {func(_ *sim.World, h *sim.Host) { h.SetClock(-sim.Always / 2) }, func(_ *sim.World, h *sim.Host) { h.SetClock(sim.Always / 2) },
			func(_ *sim.World, h *sim.Host) { h.SetClock(-sim.Always/2 - 1) }, func(_ *sim.World, h *sim.Host) { h.SetClock(sim.Always/2 + 1) }},
		"files of a host": {func(_ *sim.World, h *sim.Host) { h.SetFileLimit(0) }, func(_ *sim.World, h *sim.Host) { h.SetFileLimit(1 << 20) },
			func(_ *sim.World, h *sim.Host) { h.SetFileLimit(-1) }, func(_ *sim.World, h *sim.Host) { h.SetFileLimit(1<<20 + 1) }},
		"size of a disk": {func(_ *sim.World, h *sim.Host) { h.Disk().SetLimit(0) }, nil, func(_ *sim.World, h *sim.Host) { h.Disk().SetLimit(-1) }, nil},
		"size":           {func(w *sim.World, _ *sim.Host) { w.Size("n", 1) }, nil, func(w *sim.World, _ *sim.Host) { w.Size("n", 0) }, nil},
		"steps kept":     {func(w *sim.World, _ *sim.Host) { w.KeepLast(-1) }, nil, func(w *sim.World, _ *sim.Host) { w.KeepLast(-2) }, nil},
		"lines of a log": {func(w *sim.World, _ *sim.Host) { _ = w.WriteLog(io.Discard, 1) }, nil,
			func(w *sim.World, _ *sim.Host) { _ = w.WriteLog(io.Discard, 0) }, nil},
		"swizzle": {func(w *sim.World, _ *sim.Host) { w.Swizzle(1) }, func(w *sim.World, _ *sim.Host) { w.Swizzle(hour) },
			func(w *sim.World, _ *sim.Host) { w.Swizzle(0) }, func(w *sim.World, _ *sim.Host) { w.Swizzle(hour + 1) }},
		"time of an event": {func(w *sim.World, _ *sim.Host) { w.At(0, func() {}) }, func(w *sim.World, _ *sim.Host) { w.At(century, func() {}) },
			func(w *sim.World, _ *sim.Host) { w.At(-1, func() {}) }, func(w *sim.World, _ *sim.Host) { w.At(century+1, func() {}) }},
		"injection": {func(_ *sim.World, h *sim.Host) { h.Inject(sim.Injection{Call: sim.Recv, Nth: 1, Short: 1}) }, nil,
			func(_ *sim.World, h *sim.Host) { h.Inject(sim.Injection{Call: sim.Recv, Nth: 0, Short: 1}) }, nil},
		"injection of packets": {func(_ *sim.World, h *sim.Host) { h.InjectPacket(sim.PacketInjection{Nth: 1, Kind: sim.Lost}) },
			func(_ *sim.World, h *sim.Host) {
				h.InjectPacket(sim.PacketInjection{Nth: 1, Kind: sim.Late, Delay: hour})
			},
			func(_ *sim.World, h *sim.Host) { h.InjectPacket(sim.PacketInjection{Nth: 1, Kind: sim.Late}) },
			func(_ *sim.World, h *sim.Host) {
				h.InjectPacket(sim.PacketInjection{Nth: 1, Kind: sim.Late, Delay: hour + 1})
			}},
		"during": {func(_ *sim.World, h *sim.Host) { h.During(sim.Recv, 1, func(int) {}) }, nil,
			func(_ *sim.World, h *sim.Host) { h.During(sim.Recv, 0, func(int) {}) }, nil},
		"refused call": {func(_ *sim.World, h *sim.Host) { h.Refuse(sim.FileRemove, kernel.EIO) }, nil, nil,
			func(_ *sim.World, h *sim.Host) { h.Refuse(sim.FileRemove+1, kernel.EIO) }},
		"segment":   {new(sim.Options{Segment: 1}), new(sim.Options{Segment: 32 << 10}), new(sim.Options{Segment: -1}), new(sim.Options{Segment: 32<<10 + 1})},
		"buffer":    {new(sim.Options{Buffer: 1 << 10}), new(sim.Options{Buffer: 64 << 20}), new(sim.Options{Buffer: 1<<10 - 1}), new(sim.Options{Buffer: 64<<20 + 1})},
		"files":     {new(sim.Options{Files: 0}), new(sim.Options{Files: 1 << 20}), new(sim.Options{Files: -1}), new(sim.Options{Files: 1<<20 + 1})},
		"latency":   {new(sim.Options{Latency: 1}), new(sim.Options{Latency: hour}), new(sim.Options{Latency: -1}), new(sim.Options{Latency: hour + 1})},
		"jitter":    {new(sim.Options{Jitter: 1}), new(sim.Options{Jitter: hour}), new(sim.Options{Jitter: -1}), new(sim.Options{Jitter: hour + 1})},
		"kernel":    {nil, new(sim.Options{Kernel: sim.NetBSD}), nil, new(sim.Options{Kernel: sim.NetBSD + 1})},
		"trace":     {new(sim.Options{Trace: -1}), nil, new(sim.Options{Trace: -2}), nil},
		"chance":    {nil, new(sim.Options{Faults: sim.Faults{Loss: sim.Always}}), new(sim.Options{Faults: sim.Faults{Loss: -1}}), new(sim.Options{Faults: sim.Faults{Loss: sim.Always + 1}})},
		"bandwidth": {new(sim.Options{Bandwidth: 1}), nil, new(sim.Options{Bandwidth: -1}), nil},
	} {
		for i, f := range []set{c.least, c.most, c.less, c.more} {
			if f == nil {
				continue
			}
			w := sim.New(1, sim.Options{})
			h := w.Host("10.0.0.1")
			if v := panicked(func() { f(w, h) }); (v != "") != (i >= 2) {
				t.Errorf("%s, %s: panic %q", name, []string{"the least", "the most", "less", "more"}[i], v)
			}
			w.Close()
		}
	}
}
