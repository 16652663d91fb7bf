//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	sel "github.com/ureactor/ureactor/select"
)

// The text of Events has the name of each bit, and "…" for bits without a name.
func TestEventsAsText(t *testing.T) {
	for ev, want := range map[sel.Events]string{
		0: "0", IN: "IN", sel.POLLPRI: "PRI", OUT: "OUT", ERR: "ERR", HUP: "HUP", NVAL: "NVAL",
		IN | OUT: "IN|OUT", 64: "…", IN | 64: "IN|…", 63: "IN|PRI|OUT|ERR|HUP|NVAL", ERR | 1<<20: "ERR|…",
	} {
		if got := ev.String(); got != want {
			t.Errorf("%d is %q, want %q", int(ev), got, want)
		}
	}
}

// An asking kernel counts how often a Poll asks a descriptor for its readiness.
type asking struct {
	kernel.Kernel
	asked int
}

func (k *asking) Ready(fd int) (poller.Readiness, kernel.Errno) {
	k.asked++
	return k.Kernel.Ready(fd)
}

// A closed socket stays POLLNVAL. Polls do not ask the kernel about its number any more, because
// the number may have another owner.
func TestAClosedSocketIsNotAsked(t *testing.T) {
	onHost(t, func(l *lab) {
		k := &asking{Kernel: l.k}
		a, _ := l.pair()
		p := l.pollBy(k, a)
		a.close()
		for range 2 {
			l.expect(p, 0, is{a: NVAL})
		}
		if k.asked != 0 {
			t.Errorf("asked %d times", k.asked)
		}
	})
}

// A Poll counts its objects, of every kind, for the pictures of a loop.
func TestAPollCountsItsObjects(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		o := &ready{}
		p := l.poll(a, b, o)
		if n := p.Desc().Objects(); n != 3 {
			t.Errorf("%d objects, want 3", n)
		}
		must(p.Unregister(b))
		b.close()
		must(p.Register(a, IN))
		if n := p.Desc().Objects(); n != 2 {
			t.Errorf("%d objects, want 2", n)
		}
	})
}

// A Poll with at most 16 descriptors unregisters from its loop's Poller after each wait. A larger
// one stays registered.
func TestOnlyLargePollsStayRegistered(t *testing.T) {
	both(t, func(l *lab) {
		p := l.poll()
		for n := 1; n <= 18; n++ {
			a, _ := l.pair()
			must(p.Register(a, IN))
			if n < 15 {
				continue
			}
			l.expect(p, 1, is{})
			if has := l.spy.Has(p.Desc().FD); has != (n > 16) {
				t.Errorf("%d descriptors: registered after the wait: %v", n, has)
			}
		}
	})
}

// A refusing Poller does not register the Desc of a Poll.
type refusing struct {
	desc.Waiter
	e kernel.Errno
}

func (w refusing) Register(*desc.Desc, poller.Interest) kernel.Errno { return w.e }

// The loop's Poller may be unusable, because a resource is missing or the system forbids it. Then a
// poll waits without that Poller, and finds what becomes ready. Any other error is the result of
// the poll.
func TestPollWaitsWithoutTheLoop(t *testing.T) {
	both(t, func(l *lab) {
		for e, waits := range map[kernel.Errno]bool{
			kernel.EMFILE: true, kernel.ENFILE: true, kernel.ENOMEM: true, kernel.ENOSPC: true, kernel.ENOSYS: true,
			kernel.EPERM: true, kernel.EINVAL: false, kernel.EBADF: false,
		} {
			a, b := l.pair()
			p := sel.NewBy(l.k, refusing{l.waiter(), e})
			l.polls = append(l.polls, p)
			must(p.Register(a, IN))
			if !waits {
				if _, err := p.Poll(guard); !errors.Is(err, e) {
					t.Errorf("%v: %v", e, err)
				}
				continue
			}
			l.expect(p, 3, is{})
			join := l.elsewhere(func() { l.expect(p, guard, is{a: IN}) })
			l.pass()
			b.write("x")
			join()
		}
	})
}
