//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"sync"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
)

// An unasking kernel has Pollers with the rules of a kqueue: they report only what is requested.
type unasking struct{ kernel.Kernel }

type unaskingPoller struct{ poller.Poller }

func (k unasking) NewPoller() (poller.Poller, error) {
	p, err := k.Kernel.NewPoller()
	return unaskingPoller{p}, err
}

func (unaskingPoller) TellsUnasked() bool { return false }

// A scene is a Poll with objects, registered with another Poll.
type scene struct {
	k        kernel.Kernel
	p, outer *sel.Poll
	a, b     *object
	n        *teller
}

func (s scene) register(o sel.Pollable) {
	p := sel.NewBy(s.k, desc.Parked)
	must(p.Register(o, IN))
	must(p.Close())
}

// Any two calls on a Poll, on its objects and on its outer Poll may run at the same time. The race
// detector checks each pair.
func TestAnyTwoCallsOfAPollAtOnce(t *testing.T) {
	all := map[string]func(s scene){
		"Poll": func(s scene) { _, _ = s.p.Poll(0) },
		"IPoll": func(s scene) {
			seq, _ := s.p.IPoll(0, 0)
			for range seq {
			}
		},
		"Modify":         func(s scene) { _ = s.p.Modify(s.a, IN) },
		"Register":       func(s scene) { _ = s.p.Register(s.b, OUT) },
		"Unregister":     func(s scene) { _ = s.p.Unregister(s.b) },
		"of an Object":   func(s scene) { _ = s.p.Register(&ready{}, OUT) },
		"of a Notifier":  func(s scene) { s.register(&teller{}) },
		"of the same":    func(s scene) { s.register(s.n) },
		"a notification": func(s scene) { s.n.state.Store(1); (*s.n.f.Load())() },
		"Objects":        func(s scene) { s.p.Desc().Objects() },
		"a socket's end": func(s scene) { s.a.d.Close() },
		"the outer Poll": func(s scene) { _, _ = s.outer.Poll(0) },
		"Close":          func(s scene) { _ = s.p.Close() },
	}
	l := newLab(t, kernel.Host, nil)
	defer l.closeAll()
	for name, first := range all {
		for other, second := range all {
			if name > other || name != other && (name == "a notification" || other == "a notification") && (name == "Close" || other == "Close") {
				continue // after Close the Notifier has no function
			}
			s := scene{k: unasking{kernel.Host}, n: &teller{}}
			s.p, s.outer = sel.NewBy(s.k, desc.Parked), sel.NewBy(s.k, desc.Parked)
			s.a, s.b = l.pair()
			must(s.p.Register(s.a, OUT))
			must(s.p.Register(s.n, IN))
			must(s.outer.Register(s.p, IN))
			var two sync.WaitGroup
			two.Go(func() { first(s) })
			two.Go(func() { second(s) })
			two.Wait()
			must(s.outer.Close())
			must(s.p.Close())
			s.a.close()
			s.b.close()
		}
	}
}

// An outer Poll checks an inner one whose kqueue is readable. That must not consume the wake-up of
// a poll that waits for the inner Poll.
func TestALookFromOutsideLeavesTheWakeUp(t *testing.T) {
	for _, k := range bsds {
		simulated(t, sim.Options{Kernel: k}, func(l *lab) {
			n := &teller{}
			inner := l.poll(n)
			outer := l.poll(inner)
			join := l.asleep(func() { l.expect(inner, guard, is{n: IN}) })
			n.state.Store(1)
			(*n.f.Load())()
			l.expect(outer, 0, is{})
			join()
		})
	}
}

// The Poller refuses a descriptor, so no Event comes when that becomes ready. A poll that waits
// asks the descriptor repeatedly, and so ends soon after that moment.
func TestARefusedDescriptorIsAskedDuringTheWait(t *testing.T) {
	simulated(t, sim.Options{}, func(l *lab) {
		a, b := l.pair()
		p := l.pollBy(&failing{Kernel: l.k, add: kernel.EPERM})
		must(p.Register(a, IN))
		join := l.elsewhere(func() { l.expect(p, guard, is{a: IN}) })
		must(l.task.Sleep(5e6))
		b.write("x")
		join()
	})
}

// Each poll asks for a number that is not open. When it is open, it is registered with the Poller,
// and polls do not ask for it any more.
func TestAnOpenedNumberIsNotAsked(t *testing.T) {
	onHost(t, func(l *lab) {
		k := &asking{Kernel: l.k}
		p := l.pollBy(k)
		number := l.unopened(7)
		must(p.Register(number, IN))
		l.expect(p, 0, is{number: NVAL})
		_, b := l.pairAt(int(number))
		l.expect(p, 0, is{})
		k.asked = 0
		l.expect(p, 0, is{})
		b.write("x")
		l.expect(p, guard, is{number: IN})
		if k.asked != 0 {
			t.Errorf("asked %d times", k.asked)
		}
	})
}
