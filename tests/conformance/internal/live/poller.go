package live

import (
	"time"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// NewPoller makes a Poller of the host.
func (k *Kernel) NewPoller() (poller.Poller, error) {
	defer k.enter()()
	q, err := k.h.NewPoller()
	if err != nil {
		return nil, err
	}
	return &queue{k: k, q: q}, nil
}

// A queue is a simulated Poller whose Wait sleeps by the machine's clock.
type queue struct {
	k *Kernel
	q poller.Poller
}

func (p *queue) Add(fd int, gen uint32, want poller.Interest) error {
	defer p.k.enter()()
	return p.q.Add(fd, gen, want)
}

func (p *queue) Mod(fd int, gen uint32, want poller.Interest) error {
	defer p.k.enter()()
	return p.q.Mod(fd, gen, want)
}

func (p *queue) Del(fd int) error {
	defer p.k.enter()()
	return p.q.Del(fd)
}

func (p *queue) Wake() error {
	defer p.k.enter()()
	return p.q.Wake()
}

func (p *queue) Close() error {
	defer p.k.enter()()
	return p.q.Close()
}

func (p *queue) FD() int { return p.q.FD() }

// TellsUnasked is the simulated Poller's.
func (p *queue) TellsUnasked() bool { return p.q.(interface{ TellsUnasked() bool }).TellsUnasked() }

// Nothing announces when the world will have something to do, so a waiter polls it again and again.
// It polls soon at first, because a packet takes microseconds, and then less and less often. An
// event of the world, or an act of another goroutine, is late by as long as the wait has been, at
// most by rarely.
const (
	soon   = 20 * time.Microsecond
	rarely = 2 * time.Millisecond
)

func (p *queue) Wait(events []poller.Event, until timeout.Deadline) (int, error) {
	for nap := soon; ; nap = min(2*nap, rarely) {
		n, left, err := p.look(events, until)
		if left == 0 {
			return n, err
		}
		time.Sleep(min(nap, left))
	}
}

// look is a Wait that does not sleep. left is how long it might sleep, 0 after its deadline.
func (p *queue) look(events []poller.Event, until timeout.Deadline) (n int, left time.Duration, err error) {
	k := p.k
	defer k.enter()()
	ready, e := k.h.Ready(p.q.FD()) // also after a Wake
	if e != 0 || ready != 0 {
		n, err = p.q.Wait(events, passed)
		return n, 0, err
	}
	return 0, until.Left(k.h.Now()), nil
}

// passed is a deadline that has: unlike 0 it takes no time of the world.
const passed = timeout.Deadline(1)
