package poller

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/clock"
	"github.com/ureactor/ureactor/timeout"
)

type epoll struct {
	fd, wakefd int         // Wait watches wakefd
	wakeTo     int         // Wake writes here; equal to wakefd unless eventfd2 is refused
	woken      atomic.Bool // there is a wake-up that no Wait has received
	waiting    atomic.Bool // guards against two goroutines in Wait
	raw        []unix.EpollEvent

	// busy means that Events probably wait already. The next Wait then polls before it sleeps. A poll
	// without a result costs one more system call. An unnecessary sleep costs more, because the Go
	// runtime must be informed of every blocking call.
	busy    bool
	slept   bool          // the last Wait has slept, or has polled because of Spin
	spin    time.Duration // how long a Wait polls before it sleeps
	noPwait bool          // epoll_pwait2 (Linux 5.11) is missing or refused; waits round up to 1 ms
}

// kernelTimespec is struct __kernel_timespec (linux/time_types.h), which has two fields of 64 bits
// on every architecture. unix.Timespec is the struct of libc: its fields have 32 bits on 386, arm
// and mips.
type kernelTimespec struct{ sec, nsec int64 }

// A raw system call needs the struct of the kernel, not that of libc. If a size is wrong on this
// GOARCH, one of these declarations does not compile: an index is out of range, or a map has the
// same key twice.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(kernelTimespec{})-16]
	_ = map[bool]string{false: "", (unsafe.Sizeof(unix.EpollEvent{}) == 12) == epollPacked: "12 bytes if packed"}
	_ = map[bool]string{false: "", (unsafe.Sizeof(unix.EpollEvent{}) == 16) != epollPacked: "16 bytes if not"}
	// Fd and Pad together are the event's data, which has 8 bytes.
	_ = [1]struct{}{}[unsafe.Sizeof(unix.EpollEvent{})-unsafe.Offsetof(unix.EpollEvent{}.Fd)-8]
)

// epollPacked means that struct epoll_event has 12 bytes. On amd64 the struct is packed, and 386
// does not align its field of 64 bits.
const epollPacked = runtime.GOARCH == "amd64" || runtime.GOARCH == "386"

// New makes an epoll instance, and an eventfd that wakes it.
func New() (Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	p := &epoll{fd: fd}
	if p.wakefd, p.wakeTo, err = wakeFiles(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	// The registration is edge-triggered, so nobody has to read the eventfd's counter.
	if err := p.ctl(unix.EPOLL_CTL_ADD, p.wakefd, 0, epollIn|epollET); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// wakeFiles makes an eventfd. If the system refuses the eventfd, it makes a pair of sockets.
func wakeFiles() (poll, write int, err error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		return fd, fd, nil
	}
	if poll, write, other := wakePair(); other == nil {
		return poll, write, nil
	}
	return -1, -1, os.NewSyscallError("eventfd", err)
}

func wakePair() (poll, write int, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	return ends[0], ends[1], err
}

func (p *epoll) Add(fd int, gen uint32, want Interest) error {
	return p.ctl(unix.EPOLL_CTL_ADD, fd, gen, epollBits(want))
}

func (p *epoll) Mod(fd int, gen uint32, want Interest) error {
	return p.ctl(unix.EPOLL_CTL_MOD, fd, gen, epollBits(want))
}

func (p *epoll) Del(fd int) error { return p.ctl(unix.EPOLL_CTL_DEL, fd, 0, 0) }

func (p *epoll) FD() int { return p.fd }

// ctl makes one change. Only an Add may block: it may wait for a lock that all nested epolls share,
// or for a file system that this process serves. So Add enters the kernel through the Go scheduler.
// Mod and Del are raw calls.
func (p *epoll) ctl(op, fd int, gen uint32, bits uint32) error {
	if fd != int(int32(fd)) { // the kernel would truncate it to the number of another descriptor
		return os.NewSyscallError("epoll_ctl", unix.EBADF)
	}
	ev := unix.EpollEvent{Events: bits, Fd: int32(fd), Pad: int32(gen)}
	var e syscall.Errno
	if op == unix.EPOLL_CTL_ADD {
		_, _, e = syscall.Syscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	} else {
		_, _, e = syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	}
	if e != 0 {
		return os.NewSyscallError("epoll_ctl", e)
	}
	return nil
}

func (p *epoll) Wait(events []Event, until timeout.Deadline) (int, error) {
	mustHaveRoom(events)
	if !p.waiting.CompareAndSwap(false, true) {
		panic("poller: two goroutines in Wait; one of them must own the Poller")
	}
	n, err := p.wait(events, until)
	p.waiting.Store(false) // not deferred, because a defer costs time and wait calls no user code
	return n, err
}

func (p *epoll) wait(events []Event, until timeout.Deadline) (int, error) {
	if len(p.raw) < len(events) {
		p.raw = make([]unix.EpollEvent, len(events))
	}
	p.slept = false
	if p.busy || until == 0 {
		n, e := p.look(len(events))
		if e != 0 {
			return 0, os.NewSyscallError("epoll_pwait", e)
		}
		if n > 0 || until == 0 {
			return p.take(events, n), nil
		}
	}
	p.slept = true
	if p.spin > 0 {
		n, e := p.poll(len(events), until.Sooner(clock.Now()+timeout.Deadline(p.spin)))
		if e != 0 {
			return 0, os.NewSyscallError("epoll_pwait", e)
		}
		if n > 0 || until.Passed(clock.Now()) {
			return p.take(events, n), nil
		}
	}
	for {
		n, e := p.sleep(len(events), until)
		if e == unix.EINTR {
			continue // sleep computes the remaining time again from the deadline
		}
		if e != 0 {
			return 0, os.NewSyscallError("epoll_pwait", e)
		}
		if n == 0 && !until.Passed(clock.Now()) {
			continue // the timeout did not fit in an int32, or the kernel's timer was early
		}
		p.busy = n > 1 // several Events at once mean load: the next one has probably come already
		return p.take(events, n), nil
	}
}

// Slept returns whether the last Wait has slept. A loop uses it to measure its idle time. Only the
// goroutine that calls Wait may call it.
func (p *epoll) Slept() bool { return p.slept }

// Spin makes each later Wait poll for at most d before it sleeps. For Slept, this polling counts as
// sleep. Only the goroutine that calls Wait may call it.
func (p *epoll) Spin(d time.Duration) { p.spin = d }

// poll calls look until it finds an Event or a wake-up, or until the deadline.
func (p *epoll) poll(max int, until timeout.Deadline) (int, unix.Errno) {
	for {
		n, e := p.look(max)
		if n > 0 || e != 0 || until.Passed(clock.Now()) {
			return n, e
		}
	}
}

// look makes one epoll_pwait that does not wait. The call cannot block, so it is a raw one.
func (p *epoll) look(max int) (int, unix.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.raw[0])), uintptr(max), 0, 0, 0)
	if e == unix.EINTR {
		return 0, 0
	}
	p.busy = int(n) > 0
	return int(n), e
}

// sleep waits once, at most until the deadline.
func (p *epoll) sleep(max int, until timeout.Deadline) (int, unix.Errno) {
	ms := -1
	if until != timeout.Never {
		left := until.Left(clock.Now())
		ms = millis(until, left)
		ts := kernelTimespec{int64(left) / 1e9, int64(left) % 1e9}
		if p.noPwait {
			return p.pwait(max, ms)
		}
		n, _, e := syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.raw[0])), uintptr(max),
			uintptr(unsafe.Pointer(&ts)), 0, 0)
		if e == 0 || e == unix.EINTR {
			return int(n), e
		}
		// A kernel or a sandbox may refuse a call with any error number. So after any error the older
		// call is tried. If that succeeds, noPwait is set, and epoll_pwait2 is not tried again.
		k, e := p.pwait(max, ms)
		p.noPwait = e == 0 || e == unix.EINTR
		return k, e
	}
	return p.pwait(max, ms)
}

func (p *epoll) pwait(max, ms int) (int, unix.Errno) {
	n, _, e := syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.raw[0])), uintptr(max), uintptr(ms), 0, 0)
	return int(n), e
}

// take converts the events of the kernel, without the wake-up of the Poller itself.
func (p *epoll) take(events []Event, n int) int {
	k := 0
	for i := range p.raw[:n] {
		raw := &p.raw[i]
		if raw.Fd == int32(p.wakefd) && raw.Pad == 0 {
			p.clearWake()
			p.woken.Store(false) // cleared before Wait returns, so that a Wake after the return writes again
			continue
		}
		events[k] = Event{raw.Fd, uint32(raw.Pad), epollReady(raw.Events)}
		k++
	}
	return k
}

func (p *epoll) Wake() error {
	if !p.woken.CompareAndSwap(false, true) {
		return nil
	}
	one := uint64(1) // nobody reads the counter; it overflows only after 2^64 wakes
	_, _, e := syscall.RawSyscall(unix.SYS_WRITE, uintptr(p.wakeTo), uintptr(unsafe.Pointer(&one)), 8)
	if e != 0 {
		return os.NewSyscallError("write", e)
	}
	return nil
}

// clearWake empties the pair of sockets that replaces an eventfd. The pair holds at most one
// wake-up, because Wake writes only if woken is clear.
func (p *epoll) clearWake() {
	if p.wakefd == p.wakeTo {
		return
	}
	var b [8]byte
	_, _, _ = unix.Recvfrom(p.wakefd, b[:], unix.MSG_DONTWAIT)
}

func (p *epoll) Close() error {
	err := unix.Close(p.wakefd)
	if p.wakeTo != p.wakefd {
		if e := unix.Close(p.wakeTo); err == nil {
			err = e
		}
	}
	if e := unix.Close(p.fd); err == nil {
		err = e
	}
	return os.NewSyscallError("close", err)
}
