//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package poller

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/timeout"
)

// A kqueue differs from an epoll in this: one descriptor is up to two filters, whose events are merged when one Wait
// returns both (the one beyond len(events) comes as an Event of its own); adding twice is no error, so watched tells;
// regular files, directories and disks could be watched, but are refused like epoll does; Add of Out for a pipe without
// readers is EPIPE on some systems, and for a kqueue EINVAL. The kernel forgets a closed descriptor by itself.
type kqueue struct {
	fd      int
	waker   waker
	woken   atomic.Bool // a wake-up is in the kqueue that no Wait has seen
	waiting atomic.Bool // guards against two goroutines in Wait

	mu      sync.Mutex // guards what Add, Mod and Del touch
	watched []watched  // by descriptor
	changes kevents    // room for the changes of one call

	// Wait's own.
	raw  kevents
	at   []int32 // by descriptor: the place in events it had last; true only if that event is its own
	left unix.Timespec
}

// watched is what the kernel was told of one descriptor. want is 0 for one that is not watched.
type watched struct {
	gen  uint32
	want Interest
}

// The longest sleep. Some kernels refuse or cut a long one; Wait repeats it.
const sleepMax = 24 * time.Hour

// kevents is room for kevents in memory that the garbage collector does not scan: x/sys calls udata a pointer, and a
// generation in a pointer crashes the runtime. A Kevent_t must stay in that memory: none is ever copied to a variable.
type kevents []uintptr

const keventWords = unsafe.Sizeof(unix.Kevent_t{}) / unsafe.Sizeof(uintptr(0))

// The room is counted in words, a generation fits in udata, and the flags are those of the table.
var (
	_ [0]struct{} = [unsafe.Sizeof(unix.Kevent_t{}) % unsafe.Sizeof(uintptr(0))]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(unix.Kevent_t{}.Udata) - unsafe.Sizeof(uintptr(0))]struct{}{}
	_ [0]struct{} = [kqueueAdd ^ unix.EV_ADD | kqueueDelete ^ unix.EV_DELETE | kqueueEnable ^ unix.EV_ENABLE]struct{}{}
	_ [0]struct{} = [kqueueClear ^ unix.EV_CLEAR | kqueueError ^ unix.EV_ERROR | kqueueEOF ^ unix.EV_EOF]struct{}{}
)

func (k kevents) slice() []unix.Kevent_t {
	return unsafe.Slice((*unix.Kevent_t)(unsafe.Pointer(unsafe.SliceData(k))), len(k)/int(keventWords))
}

func makeKevents(n int) kevents { return make(kevents, n*int(keventWords)) }

func setKevent(k *unix.Kevent_t, fd, filter, flags int, fflags uint32, gen uint32) {
	unix.SetKevent(k, fd, filter, flags)
	k.Fflags = fflags
	k.Data = 0
	*(*uintptr)(unsafe.Pointer(&k.Udata)) = uintptr(gen)
}

func genOf(k *unix.Kevent_t) uint32 { return uint32(*(*uintptr)(unsafe.Pointer(&k.Udata))) }

// New makes a kqueue with its waker.
func New() (Poller, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Kqueue()
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	p := &kqueue{fd: fd, changes: makeKevents(4)}
	if err := p.waker.open(p); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return p, nil
}

func (p *kqueue) FD() int { return p.fd }

func (p *kqueue) Add(fd int, gen uint32, want Interest) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err == nil {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG, unix.S_IFDIR, unix.S_IFBLK:
			return os.NewSyscallError("kevent", unix.EPERM)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd < 0 {
		return os.NewSyscallError("kevent", unix.EBADF)
	}
	for fd >= len(p.watched) {
		p.watched = append(p.watched, watched{})
	}
	// Enabling what is enabled changes nothing, but tells whether the kernel still knows it.
	if w := &p.watched[fd]; w.want != 0 && p.change(fd, *w, kqueueEnable, watched{}) == nil {
		return os.NewSyscallError("kevent", unix.EEXIST)
	}
	p.watched[fd] = watched{}
	return p.put(fd, watched{}, watched{gen, want})
}

func (p *kqueue) Mod(fd int, gen uint32, want Interest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd < 0 || fd >= len(p.watched) || p.watched[fd].want == 0 {
		return os.NewSyscallError("kevent", unix.ENOENT)
	}
	// Deleted and added: what is ready is reported anew.
	return p.put(fd, p.watched[fd], watched{gen, want})
}

func (p *kqueue) Del(fd int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd < 0 || fd >= len(p.watched) || p.watched[fd].want == 0 {
		return os.NewSyscallError("kevent", unix.ENOENT)
	}
	return p.put(fd, p.watched[fd], watched{})
}

// put replaces one registration by another. What fails leaves none.
func (p *kqueue) put(fd int, old, new watched) error {
	p.watched[fd] = new
	err := p.change(fd, old, kqueueDelete, new)
	if err == nil {
		return nil
	}
	p.watched[fd] = watched{}
	for _, filter := range []int{unix.EVFILT_READ, unix.EVFILT_WRITE} {
		k := p.changes.slice()[:1]
		setKevent(&k[0], fd, filter, kqueueDelete, 0, 0)
		_ = p.apply(k) // ENOENT for what the failed call had deleted or not yet added
	}
	return err
}

// change does what flags say to the filters of the old registration and adds those of the new one, in one call. The
// kernel ends at the first change that fails.
func (p *kqueue) change(fd int, old watched, flags int, new watched) error {
	k := p.changes.slice()
	n := 0
	set := func(w watched, flags int) {
		if w.want&In != 0 {
			setKevent(&k[n], fd, unix.EVFILT_READ, flags, 0, w.gen)
			n++
		}
		if w.want&Out != 0 {
			setKevent(&k[n], fd, unix.EVFILT_WRITE, flags, 0, w.gen)
			n++
		}
	}
	set(old, flags)
	set(new, kqueueFlags(new.want))
	return p.apply(k[:n])
}

// apply hands over changes and takes no events, so it does not wait. EINTR comes after the changes were made.
func (p *kqueue) apply(changes []unix.Kevent_t) error {
	_, err := unix.Kevent(p.fd, changes, nil, nil)
	if err == unix.EINTR {
		return nil
	}
	return os.NewSyscallError("kevent", err)
}

func (p *kqueue) Wait(events []Event, until timeout.Deadline) (int, error) {
	if !p.waiting.CompareAndSwap(false, true) {
		panic("poller: two goroutines in Wait; one of them must own the Poller")
	}
	defer p.waiting.Store(false)
	if len(p.raw) < len(events)*int(keventWords) {
		p.raw = makeKevents(len(events))
	}
	raw := p.raw.slice()[:len(events)]
	for {
		var left *unix.Timespec
		if until != timeout.Never {
			p.left = unix.NsecToTimespec(int64(min(until.Left(Now()), sleepMax)))
			left = &p.left
		}
		n, err := unix.Kevent(p.fd, nil, raw, left)
		if err != nil && err != unix.EINTR {
			return 0, os.NewSyscallError("kevent", err)
		}
		if n > 0 {
			return p.take(events, raw[:n]), nil
		}
		if until.Passed(Now()) {
			return 0, nil
		}
		// A signal, a sleep cut short, or a timer that was early: the same absolute deadline again.
	}
}

// take turns the kernel's events into ours, two filters of one registration into one, and leaves out the Poller's own.
func (p *kqueue) take(events []Event, raw []unix.Kevent_t) int {
	n := int32(0)
	for i := range raw {
		k := &raw[i]
		fd, gen, filter := int32(k.Ident), genOf(k), int(k.Filter)
		if p.waker.is(int(fd), gen, filter) {
			p.waker.clear()
			p.woken.Store(false) // before the waker's work is looked for: a later Wake triggers again
			continue
		}
		ready := kqueueReady(filter == unix.EVFILT_WRITE, uint32(k.Flags), k.Fflags)
		for int(fd) >= len(p.at) {
			p.at = append(p.at, 0)
		}
		if at := p.at[fd]; at < n && events[at].FD == fd && events[at].Gen == gen {
			events[at].Ready |= ready
			continue
		}
		p.at[fd] = n
		events[n] = Event{fd, gen, ready}
		n++
	}
	for i := range events[:n] {
		events[i].Ready = kqueueDone(events[i].Ready)
	}
	return int(n)
}

func (p *kqueue) Wake() error {
	if !p.woken.CompareAndSwap(false, true) {
		return nil
	}
	return p.waker.wake(p)
}

func (p *kqueue) Close() error {
	err := p.waker.close()
	if e := unix.Close(p.fd); err == nil {
		err = e
	}
	return os.NewSyscallError("close", err)
}
