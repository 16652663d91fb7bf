//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc

import (
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A polled kernel counts the Pollers that it makes, and those that were closed. Its Pollers report
// no Events. They refuse the descriptor `refused` with EPERM. When the channel broken is closed,
// their Wait fails.
type polled struct {
	kernel.Kernel
	mu           sync.Mutex
	made, closed int
	refused      int
	broken       chan bool
	now          func() timeout.Deadline
}

type polledPoller struct {
	k    *polled
	wake chan bool
	over bool // closed
}

func newPolled() *polled {
	return &polled{Kernel: kernel.Host, broken: make(chan bool), now: kernel.Host.Now}
}

func (k *polled) Now() timeout.Deadline  { return k.now() }
func (k *polled) Close(int) kernel.Errno { return 0 }

func (k *polled) NewPoller() (poller.Poller, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.made++
	return &polledPoller{k: k, wake: make(chan bool, 1)}, nil
}

// counts returns how many Pollers were made, and how many of them are open.
func (k *polled) counts() (made, open int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.made, k.made - k.closed
}

// none waits until no Poller is open.
func (k *polled) none() {
	for _, open := k.counts(); open > 0; _, open = k.counts() {
		time.Sleep(time.Millisecond)
	}
}

func (p *polledPoller) Add(fd int, _ uint32, _ poller.Interest) error {
	p.k.mu.Lock()
	defer p.k.mu.Unlock()
	switch {
	case p.over:
		return kernel.EBADF
	case fd == p.k.refused:
		return kernel.EPERM
	}
	return nil
}

func (p *polledPoller) Mod(fd int, gen uint32, want poller.Interest) error {
	return p.Add(fd, gen, want)
}
func (p *polledPoller) Del(int) error { return nil }
func (p *polledPoller) FD() int       { return -1 }

func (p *polledPoller) Wait([]poller.Event, timeout.Deadline) (int, error) {
	select {
	case <-p.wake:
		return 0, nil
	case <-p.k.broken:
		return 0, kernel.EIO
	}
}

func (p *polledPoller) Wake() error {
	select {
	case p.wake <- true:
	default:
	}
	return nil
}

func (p *polledPoller) Close() error {
	p.k.mu.Lock()
	defer p.k.mu.Unlock()
	p.k.closed++
	p.over = true
	return nil
}

// times is a call on d that ends after a millisecond.
func times(d *Desc) Errno {
	_, e := d.Do(In, &Call{Limit: timeout.Timeout(time.Millisecond)}, func() (int, Errno) { return 0, kernel.EAGAIN })
	return e
}

// The first call on a Poll's Desc starts a goroutine. It stays until that Desc is closed, although
// the Desc is registered only while a call waits.
func TestParkerStaysForATransientDesc(t *testing.T) {
	k := newPolled()
	d := New(k, 1000, NewParker(k))
	d.Transient = true
	for range 3 {
		if e := times(d); e != kernel.ETIMEDOUT {
			t.Fatal(e)
		}
	}
	if made, open := k.counts(); made != 1 || open != 1 {
		t.Errorf("%d Pollers were made and %d are open, want 1 and 1", made, open)
	}
	d.Close()
	k.none()
}

// If a registration fails, and the goroutine has no other registration, it ends. If it has another
// one, it stays.
func TestParkerEndsAfterARefusal(t *testing.T) {
	k := newPolled()
	k.refused = 1000
	p := NewParker(k)
	refused, d := New(k, 1000, p), New(k, 1001, p)
	if e := times(refused); e != kernel.EPERM {
		t.Errorf("%v, want EPERM", e)
	}
	k.none()
	if e := times(d); e != kernel.ETIMEDOUT {
		t.Error(e)
	}
	if e := times(refused); e != kernel.EPERM {
		t.Errorf("%v, want EPERM", e)
	}
	if made, open := k.counts(); made != 2 || open != 1 {
		t.Errorf("%d Pollers were made and %d are open, want 2 and 1", made, open)
	}
	refused.Close()
	d.Close()
	k.none()
}

// If the Poller fails, a call that waits tries again, and then waits in a new Poller.
func TestParkerSurvivesItsPoller(t *testing.T) {
	k := newPolled()
	d := New(k, 1000, NewParker(k))
	tries := 0
	for range 2 {
		c := Call{Limit: timeout.None}
		if n, e := d.Do(In, &c, func() (int, Errno) {
			if tries++; tries%2 == 1 {
				k.mu.Lock()
				k.broken = make(chan bool)
				broken := k.broken
				k.mu.Unlock()
				go func() {
					for !d.Registered() {
						time.Sleep(time.Millisecond)
					}
					close(broken)
				}()
				return 0, kernel.EAGAIN
			}
			return 7, 0
		}); n != 7 || e != 0 {
			t.Errorf("%d, %v", n, e)
		}
		k.none()
	}
	if made, _ := k.counts(); made != 2 || tries != 4 {
		t.Errorf("%d Pollers and %d tries, want 2 and 4", made, tries)
	}
	d.Close()
}

// A call ends when the clock of its kernel has reached the deadline, and not when a timer of the Go
// runtime has expired. This clock needs five times as long.
func TestASlowClockDecides(t *testing.T) {
	k := newPolled()
	began := kernel.Host.Now()
	k.now = func() timeout.Deadline { return 1 + (kernel.Host.Now()-began)/5 }
	d := New(k, 1000, NewParker(k))
	defer d.Close()
	until := timeout.Timeout(time.Millisecond).After(k.Now())
	if e := times(d); e != kernel.ETIMEDOUT || k.Now() < until {
		t.Errorf("%v, %v early", e, until.Left(k.Now()))
	}
}
