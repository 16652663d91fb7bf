package poller

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/kevent"
	"github.com/ureactor/ureactor/timeout"
)

// A kqueue is a Poller over kevent(2). It differs from an epoll in this: one descriptor is up to
// two filters, whose events are merged when one Wait returns both (the one beyond len(events) comes
// as an Event of its own). Adding twice is no error, so watched tells. Regular files, directories
// and disks could be watched, but are refused like epoll does. Add of Out for a pipe without
// readers is an error on some systems, and so it is for another kqueue. The kernel forgets a closed
// descriptor by itself.
type kqueue struct {
	q       kevent.Queue
	errs    kevent.Errors
	woken   atomic.Bool // a wake-up is in the kqueue that no Wait has seen
	waiting atomic.Bool // guards against two goroutines in Wait

	mu      sync.Mutex       // guards what Add, Mod and Del touch
	watched []watched        // by descriptor
	changes [4]kevent.Change // room for the changes of one call

	at []int32 // by descriptor: the place in events it had last; true only if that event is its own. Wait's own
}

// watched is one registration. want is 0 for a descriptor that is not watched. filters are those of
// want that the kernel has: it may have dropped one by itself.
type watched struct {
	gen           uint32
	want, filters Interest
}

// The longest sleep. Some kernels refuse or cut a long one; Wait repeats it.
const sleepMax = 24 * time.Hour

// The kqueues of package sim run the code that the BSDs and macOS run.
func init() { kevent.NewPoller = func(q kevent.Queue) any { return newKqueue(q) } }

func newKqueue(q kevent.Queue) *kqueue { return &kqueue{q: q, errs: q.Errors()} }

func (p *kqueue) FD() int { return p.q.FD() }

func (p *kqueue) Add(fd int, gen uint32, want Interest) error {
	if fd < 0 || fd != int(int32(fd)) { // the kernel would cut it to another one's number
		return os.NewSyscallError("kevent", p.errs.BadFD)
	}
	if err := p.q.Pollable(fd); err != nil {
		return os.NewSyscallError("kevent", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for fd >= len(p.watched) {
		p.watched = append(p.watched, watched{})
	}
	// Enabling an enabled filter finds out whether the kernel still knows it. FreeBSD reports an
	// edge anew for that.
	if w := p.watched[fd]; w.filters != 0 && p.change(fd, w, kevent.Enable, watched{}) == nil {
		return os.NewSyscallError("kevent", p.errs.Exist)
	}
	err := p.put(fd, watched{}, watched{gen: gen, want: want})
	if errors.Is(err, p.errs.NoDev) { // a device that cannot be polled, on FreeBSD
		return os.NewSyscallError("kevent", p.errs.Perm)
	}
	return err
}

func (p *kqueue) Mod(fd int, gen uint32, want Interest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd < 0 || fd >= len(p.watched) || p.watched[fd].want == 0 {
		return os.NewSyscallError("kevent", p.errs.NoEnt)
	}
	// Deleted and added: what is ready is reported anew.
	old := p.watched[fd]
	err := p.put(fd, old, watched{gen: gen, want: want})
	if err == nil {
		return nil
	}
	// The old registration stands, as on Linux, with those of its filters that the kernel takes
	// again.
	_ = p.put(fd, watched{}, watched{gen: old.gen, want: old.filters | old.want&Edge})
	p.watched[fd].gen, p.watched[fd].want = old.gen, old.want
	return err
}

func (p *kqueue) Del(fd int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd < 0 || fd >= len(p.watched) || p.watched[fd].want == 0 {
		return os.NewSyscallError("kevent", p.errs.NoEnt)
	}
	return p.put(fd, p.watched[fd], watched{})
}

// put replaces one registration by another. What fails leaves none.
func (p *kqueue) put(fd int, old, new watched) error {
	new.filters = new.want & (In | Out)
	p.watched[fd] = new
	err := p.change(fd, old, kevent.Delete, new)
	if err == nil {
		return nil
	}
	p.watched[fd] = watched{}
	for _, write := range []bool{false, true} {
		p.changes[0] = kevent.Change{FD: fd, Write: write, Flags: kevent.Delete}
		_ = p.apply(1) // ENOENT for what the failed call had deleted or not yet added
	}
	return err
}

// change does what flags say to the filters of the old registration and adds those of the new one,
// in one call. The kernel ends at the first change that fails.
func (p *kqueue) change(fd int, old watched, flags int, new watched) error {
	n := p.list(0, fd, old, flags)
	n = p.list(n, fd, new, kqueueFlags(new.want))
	return p.apply(n)
}

// list puts the filters of a registration behind the first n changes.
func (p *kqueue) list(n, fd int, w watched, flags int) int {
	for _, filter := range [...]Interest{In, Out} {
		if w.filters&filter != 0 {
			p.changes[n] = kevent.Change{FD: fd, Write: filter == Out, Flags: flags, Gen: w.gen}
			n++
		}
	}
	return n
}

func (p *kqueue) apply(n int) error {
	if n == 0 {
		return nil
	}
	return os.NewSyscallError("kevent", p.q.Change(p.changes[:n]))
}

func (p *kqueue) Wait(events []Event, until timeout.Deadline) (int, error) {
	if !p.waiting.CompareAndSwap(false, true) {
		panic("poller: two goroutines in Wait; one of them must own the Poller")
	}
	defer p.waiting.Store(false)
	mustHaveRoom(events)
	for {
		left := time.Duration(-1)
		if until != timeout.Never {
			left = min(until.Left(p.q.Now()), sleepMax)
		}
		n, err := p.q.Wait(len(events), left)
		if err != nil {
			return 0, os.NewSyscallError("kevent", err)
		}
		if n > 0 {
			return p.take(events, n), nil
		}
		if until.Passed(p.q.Now()) {
			return 0, nil
		}
		// A signal, a sleep cut short, or a timer that was early: the same absolute deadline again.
	}
}

// take turns the kernel's events into ours, two filters of one registration into one, and leaves
// out the Poller's own.
func (p *kqueue) take(events []Event, got int) int {
	n := int32(0)
	for i := range got {
		k := p.q.Event(i)
		if k.Wake {
			p.q.Woken()
			p.woken.Store(false) // before the waker's work is looked for: a later Wake triggers again
			continue
		}
		if k.Flags&kevent.OneShot != 0 {
			p.dropped(&k)
		}
		ready := kqueueReady(k.Write, k.Flags, k.Fflags)
		for int(k.FD) >= len(p.at) {
			p.at = append(p.at, 0)
		}
		if at := p.at[k.FD]; at < n && events[at].FD == k.FD && events[at].Gen == k.Gen {
			events[at].Ready |= ready
			continue
		}
		p.at[k.FD] = n
		events[n] = Event{k.FD, k.Gen, ready}
		n++
	}
	for i := range events[:n] {
		events[i].Ready = kqueueDone(events[i].Ready)
	}
	return int(n)
}

// dropped notes a filter that the kernel has dropped with its event, unasked: FreeBSD does so with
// the write filter of a pipe whose reader has gone. To change or delete it would fail.
func (p *kqueue) dropped(k *kevent.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if int(k.FD) >= len(p.watched) || p.watched[k.FD].gen != k.Gen {
		return
	}
	filter := Interest(In)
	if k.Write {
		filter = Out
	}
	p.watched[k.FD].filters &^= filter
}

func (p *kqueue) Wake() error {
	if !p.woken.CompareAndSwap(false, true) {
		return nil
	}
	return p.q.Wake()
}

func (p *kqueue) Close() error { return os.NewSyscallError("close", p.q.Close()) }
