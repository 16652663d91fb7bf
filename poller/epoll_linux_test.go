package poller

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/clock"
	"github.com/ureactor/ureactor/timeout"
)

func newEpoll(t *testing.T) *epoll {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p.(*epoll)
}

// written reads the eventfd's counter, which Wait leaves alone.
func written(t *testing.T, p *epoll) byte {
	t.Helper()
	var count [8]byte
	if _, err := unix.Read(p.wakefd, count[:]); err != nil {
		t.Fatal(err)
	}
	return count[0] + count[7]
}

// The eventfd counts the writes.
func TestManyWakesCostOneWrite(t *testing.T) {
	p := newEpoll(t)
	for range 2 {
		for range 1000 {
			p.Wake()
		}
		var events [1]Event
		p.Wait(events[:], timeout.Never)
		if n := written(t, p); n != 1 {
			t.Fatalf("%d writes", n)
		}
	}
}

// Without epoll_pwait2 (before Linux 5.11) the wait counts in milliseconds.
func TestMillisecondWaitIsNeverEarly(t *testing.T) {
	p := newEpoll(t)
	p.noPwait = true
	var events [1]Event
	for i := range 100 {
		until := clock.Now() + timeout.Deadline(i*37_000)
		if n, err := p.Wait(events[:], until); n != 0 || err != nil || !until.Passed(clock.Now()) {
			t.Fatalf("%d, %v, %v too early", n, err, until.Left(clock.Now()))
		}
	}
	go p.Wake()
	if n, err := p.Wait(events[:], timeout.Never); n != 0 || err != nil {
		t.Fatal(n, err)
	}
}
