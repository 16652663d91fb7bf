//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	sel "github.com/ureactor/ureactor/select"
)

// A Poll of many descriptors stays registered in the Poller of its loop between waits, but causes
// no Events then. Each wait reports everything that comes during the wait, or that has come since
// the last wait. This also holds while the number of descriptors becomes larger or smaller than
// `few`. Close, during a wait or not, leaves no goroutine behind, which TestMain checks.
func TestAPollOfManyHearsEveryWait(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		p := l.poll()
		must(p.Register(a, IN))
		var crowd []*object
		grow := func(n int) {
			for len(crowd) > n {
				last := crowd[len(crowd)-1]
				must(p.Unregister(last))
				last.close()
				crowd = crowd[:len(crowd)-1]
			}
			for len(crowd) < n {
				o := l.socket(kernel.AF_INET, kernel.SOCK_DGRAM)
				must(p.Register(o, IN))
				crowd = append(crowd, o)
			}
		}
		heard := func(events []sel.Event, err error) {
			if len(events) != 1 || events[0].Obj != a || err != nil {
				t.Errorf("%d in the Poll: %v, %v", len(crowd)+1, events, err)
			}
			l.k.Recv(a.d.FD, make([]byte, 10), 0)
		}
		for _, n := range []int{100, 100, 3, 3, 40, 16, 15, 16, 100, 0, 100} {
			grow(n)
			join := l.asleep(func() { heard(p.Poll(guard)) }) // during the wait
			b.write("x")
			join()
			b.write("x") // between two waits
			heard(p.Poll(guard))
			if events, err := p.Poll(1); len(events) > 0 || err != nil { // until its time has passed
				t.Errorf("nothing was there: %v, %v", events, err)
			}
		}
		must(p.Close())
	})
}
