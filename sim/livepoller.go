package sim

import (
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// NewPoller makes a Poller whose Wait blocks the calling goroutine.
func (k *liveKernel) NewPoller() (poller.Poller, error) {
	k.l.enter()
	defer k.l.leave()
	q, err := k.h.NewPoller()
	if err != nil {
		return nil, err
	}
	return &livePoller{k.l, q}, nil
}

// A livePoller is a host's Poller for goroutines.
type livePoller struct {
	l *Live
	q poller.Poller
}

func (p *livePoller) Wait(events []poller.Event, until timeout.Deadline) (int, error) {
	p.l.enter()
	defer p.l.leave()
	return p.q.Wait(events, until)
}

func (p *livePoller) Add(fd int, gen uint32, want poller.Interest) error {
	p.l.enter()
	defer p.l.leave()
	return p.q.Add(fd, gen, want)
}

func (p *livePoller) Mod(fd int, gen uint32, want poller.Interest) error {
	p.l.enter()
	defer p.l.leave()
	return p.q.Mod(fd, gen, want)
}

func (p *livePoller) Del(fd int) error {
	p.l.enter()
	defer p.l.leave()
	return p.q.Del(fd)
}

func (p *livePoller) Wake() error {
	p.l.enter()
	defer p.l.leave()
	return p.q.Wake()
}

func (p *livePoller) Close() error {
	p.l.enter()
	defer p.l.leave()
	return p.q.Close()
}

func (p *livePoller) FD() int { return p.q.FD() }

func (p *livePoller) TellsUnasked() bool {
	return p.q.(interface{ TellsUnasked() bool }).TellsUnasked()
}
