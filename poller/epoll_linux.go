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
	fd, wakefd int         // wakefd is polled
	wakeTo     int         // Wake writes there; it is wakefd unless eventfd2 is refused
	woken      atomic.Bool // the eventfd has a wake-up that no Wait has received
	waiting    atomic.Bool // guards against two goroutines in Wait
	raw        []unix.EpollEvent

	// busy is set under load: the next Wait first polls without sleeping. A poll that finds nothing
	// costs one more system call. But a sleep costs more, because the runtime must be informed of a
	// blocking call.
	busy    bool
	slept   bool          // the last Wait has slept
	spin    time.Duration // how long a Wait polls before it sleeps
	noPwait bool          // epoll_pwait2 (Linux 5.11) is missing or refused: a wait rounds up to 1 ms
}

// kernelTimespec is struct __kernel_timespec (linux/time_types.h): 64 bits each on every
// architecture. unix.Timespec is libc's struct, which has 32 bits each on 386, arm and mips.
type kernelTimespec struct{ sec, nsec int64 }

// A raw call uses the kernel's struct, not libc's. If a size is wrong on this GOARCH, the package
// does not compile: an index is out of range, or a map has one key twice.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(kernelTimespec{})-16]
	_ = map[bool]string{false: "", (unsafe.Sizeof(unix.EpollEvent{}) == 12) == epollPacked: "12 bytes if packed"}
	_ = map[bool]string{false: "", (unsafe.Sizeof(unix.EpollEvent{}) == 16) != epollPacked: "16 bytes if not"}
	// Fd and Pad are the event's data, of 8 bytes.
	_ = [1]struct{}{}[unsafe.Sizeof(unix.EpollEvent{})-unsafe.Offsetof(unix.EpollEvent{}.Fd)-8]
)

// epollPacked: struct epoll_event is packed on amd64, and 386 does not align its 64 bits either.
const epollPacked = runtime.GOARCH == "amd64" || runtime.GOARCH == "386"

// New makes an epoll instance with its eventfd.
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
	// The registration is edge-triggered, so that the counter never has to be read.
	if err := p.ctl(unix.EPOLL_CTL_ADD, p.wakefd, 0, epollIn|epollET); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// wakeFiles makes an eventfd, or a pair of sockets if a sandbox refuses the eventfd.
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

// ctl makes one change. An Add is a blocking call. It may wait for the lock of all nested epolls,
// or for a file system that this process serves. Mod and Del are raw calls.
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
	p.waiting.Store(false) // not deferred, because that costs time: wait calls no user code
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
			continue // the deadline is absolute: sleep computes the remaining time
		}
		if e != 0 {
			return 0, os.NewSyscallError("epoll_pwait", e)
		}
		if n == 0 && !until.Passed(clock.Now()) {
			continue // the milliseconds have overflowed, or the kernel's timer was early
		}
		p.busy = n > 1 // several Events at a time mean load: the next one has probably come already
		return p.take(events, n), nil
	}
}

// Slept reports to a loop that measures its idle time whether the last Wait slept. Only the
// goroutine that calls Wait may call it.
func (p *epoll) Slept() bool { return p.slept }

// Spin makes each later Wait poll for at most d before it sleeps. Slept reports that as sleep.
// Only the goroutine that calls Wait may call it.
func (p *epoll) Spin(d time.Duration) { p.spin = d }

// poll looks until it finds something, or until the deadline. It also finds a wake-up.
func (p *epoll) poll(max int, until timeout.Deadline) (int, unix.Errno) {
	for {
		n, e := p.look(max)
		if n > 0 || e != 0 || until.Passed(clock.Now()) {
			return n, e
		}
	}
}

// look polls without waiting, by a raw call.
func (p *epoll) look(max int) (int, unix.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.raw[0])), uintptr(max), 0, 0, 0)
	if e == unix.EINTR {
		return 0, 0
	}
	p.busy = int(n) > 0
	return int(n), e
}

// sleep waits at most until the deadline.
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
		// Any error may mean a refusal, because a kernel or sandbox that refuses a call may return
		// any number. If the older call works, noPwait remembers the refusal.
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

// take converts the kernel's events and drops the Poller's own wake-up.
func (p *epoll) take(events []Event, n int) int {
	k := 0
	for i := range p.raw[:n] {
		raw := &p.raw[i]
		if raw.Fd == int32(p.wakefd) && raw.Pad == 0 {
			p.clearWake()
			p.woken.Store(false) // before Wait returns, so that a later Wake writes again
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
	one := uint64(1) // the counter is never read; it overflows only after 2^64 wakes
	_, _, e := syscall.RawSyscall(unix.SYS_WRITE, uintptr(p.wakeTo), uintptr(unsafe.Pointer(&one)), 8)
	if e != 0 {
		return os.NewSyscallError("write", e)
	}
	return nil
}

// clearWake empties the sockets that replace an eventfd. They hold at most one wake-up, because
// Wake writes only if woken is clear.
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
