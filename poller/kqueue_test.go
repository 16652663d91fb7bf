//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package poller_test

import (
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
)

// onKqueues runs the test on the simulated kqueues, because they use the same code as real ones.
func onKqueues(t *testing.T, f func(l *lab)) {
	for _, k := range []sim.Kernel{sim.FreeBSD, sim.NetBSD} {
		t.Run(k.String(), func(t *testing.T) { simulated(t, sim.Options{Kernel: k}, f) })
	}
}

// FreeBSD drops the write filter of a pipe when it reports that the pipe has no reader. Mod and Del
// must still find the registration. A Mod to Out fails then, because nobody reads from the pipe any
// more. The failed Mod must leave the old registration.
func TestFilterThatTheKernelDropsLeavesARegistration(t *testing.T) {
	onKqueues(t, func(l *lab) {
		for _, want := range []poller.Interest{Out, In | Out, In | Out | Edge} {
			p := l.open()
			r, w := l.pipe()
			l.must(p.Add(w, 1, want))
			l.close(r)
			var events [4]poller.Event
			n, err := p.Wait(events[:], l.in(guard))
			l.must(err)
			if n != 1 || events[0].Ready&Out == 0 {
				l.Fatalf("%v: got %+v", want, events[:n])
			}
			refusal := kernel.Errno(kernel.EPIPE)
			if l.os == "netbsd" {
				refusal = kernel.EBADF
			}
			l.expectErrno(p.Mod(w, 3, Out), refusal)
			l.must(p.Mod(w, 5, In)) // the writing end is never ready for In
			l.must(p.Del(w))
			l.expectErrno(p.Del(w), kernel.ENOENT)
		}
	})
}

// Add of a descriptor that cannot be polled returns EPERM on every system. For some devices the
// kevent(2) of FreeBSD returns ENODEV, which Add converts.
func TestDeviceThatCannotBePolledIsEPERM(t *testing.T) {
	onKqueues(t, func(l *lab) {
		p := l.open()
		a, _ := l.pair()
		l.h.Inject(sim.Injection{Call: sim.Add, Nth: 1, Errno: kernel.ENODEV})
		l.expectErrno(p.Add(a, 1, In|Out), kernel.EPERM)
		l.must(p.Add(a, 3, Out)) // the failed Add has left no registration
		l.expectEvents(p, ev(a, 3, Out))
	})
}

// On every kernel, a Mod that fails leaves the old registration as it was.
func TestFailedModLeavesTheOldRegistration(t *testing.T) {
	for _, k := range []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD} {
		t.Run(k.String(), func(t *testing.T) {
			simulated(t, sim.Options{Kernel: k}, func(l *lab) {
				for _, old := range []poller.Interest{In, In | Out, In | Edge} {
					p := l.open()
					a, b := l.pair()
					l.must(p.Add(a, 1, old))
					if old&Out != 0 {
						l.expectEvents(p, ev(a, 1, Out))
					}
					l.h.Inject(sim.Injection{Call: sim.Mod, Nth: 1, Errno: kernel.ENOMEM})
					l.expectErrno(p.Mod(a, 3, Out), kernel.ENOMEM)
					l.say(b)
					l.expectEvents(p, ev(a, 1, In|poller.Readiness(old&Out)))
					l.must(p.Mod(a, 5, Out))
					l.expectEvents(p, ev(a, 5, Out))
				}
			})
		})
	}
}
