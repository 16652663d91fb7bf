package poller

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/clock"
	"github.com/ureactor/ureactor/timeout"
)

type epoll struct {
	fd, wakefd int         // wakefd is the end to poll
	wakeTo     int         // and the one to write to: the same but where eventfd2 is refused
	woken      atomic.Bool // a wake-up is in the eventfd that no Wait has seen
	waiting    atomic.Bool // guards against two goroutines in Wait
	raw        []unix.EpollEvent

	// busy: the last Wait found something without sleeping, so try that first again. A look that
	// finds nothing costs a system call more, a sleep that need not have been costs the runtime's
	// bookkeeping of a blocking call.
	busy    bool
	noPwait bool // epoll_pwait2 (Linux 5.11) is missing or refused; deadlines are rounded up to milliseconds
}

// kernelTimespec is struct __kernel_timespec (linux/time_types.h): 64 bits each on every
// architecture. unix.Timespec is libc's struct, which has 32 bits each on 386, arm and mips.
type kernelTimespec struct{ sec, nsec int64 }

// A raw call takes the kernel's struct, not libc's. If a size is not what the kernel expects on
// this GOARCH, an index is out of range or a map has one key twice, and the package does not
// compile.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(kernelTimespec{})-16]
	_ = map[bool]string{false: "", (unsafe.Sizeof(unix.EpollEvent{}) == 12) == epollPacked: "12 bytes if packed"}
	_ = map[bool]string{false: "", (unsafe.Sizeof(unix.EpollEvent{}) == 16) != epollPacked: "16 bytes if not"}
	_ = [1]struct{}{}[unsafe.Sizeof(unix.EpollEvent{})-unsafe.Offsetof(unix.EpollEvent{}.Fd)-8] // Fd and Pad are its data
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
	// Edge-triggered, so that the counter never has to be read.
	if err := p.ctl(unix.EPOLL_CTL_ADD, p.wakefd, 0, epollIn|epollET); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// wakeFiles is an eventfd, or a pair of sockets where a sandbox refuses that.
func wakeFiles() (poll, write int, err error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		return fd, fd, nil
	}
	ends, other := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if other != nil {
		return -1, -1, os.NewSyscallError("eventfd", err)
	}
	return ends[0], ends[1], nil
}

func (p *epoll) Add(fd int, gen uint32, want Interest) error {
	return p.ctl(unix.EPOLL_CTL_ADD, fd, gen, epollBits(want))
}

func (p *epoll) Mod(fd int, gen uint32, want Interest) error {
	return p.ctl(unix.EPOLL_CTL_MOD, fd, gen, epollBits(want))
}

func (p *epoll) Del(fd int) error { return p.ctl(unix.EPOLL_CTL_DEL, fd, 0, 0) }

func (p *epoll) FD() int { return p.fd }

// ctl enters through the scheduler for an Add, which may wait: for the lock of all nested epolls,
// or for a file system that this very process serves. The other two take the raw entry.
func (p *epoll) ctl(op, fd int, gen uint32, bits uint32) error {
	if fd != int(int32(fd)) { // the kernel would cut it to another one's number
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
	if !p.waiting.CompareAndSwap(false, true) {
		panic("poller: two goroutines in Wait; one of them must own the Poller")
	}
	defer p.waiting.Store(false)
	mustHaveRoom(events)
	if len(p.raw) < len(events) {
		p.raw = make([]unix.EpollEvent, len(events))
	}
	if p.busy || until == 0 {
		n, e := p.look(len(events))
		if e != 0 {
			return 0, os.NewSyscallError("epoll_pwait", e)
		}
		if n > 0 || until == 0 {
			return p.take(events, n), nil
		}
	}
	for {
		n, e := p.sleep(len(events), until)
		if e == unix.EINTR {
			continue // the same absolute deadline: sleep computes what is left of it
		}
		if e != 0 {
			return 0, os.NewSyscallError("epoll_pwait", e)
		}
		if n == 0 && !until.Passed(clock.Now()) {
			continue // milliseconds overflowed, or the kernel's timer was early
		}
		p.busy = n > 1 // more than one at a time: there is load, the next is likely there already
		return p.take(events, n), nil
	}
}

// look asks without waiting, by the raw entry.
func (p *epoll) look(max int) (int, unix.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.raw[0])), uintptr(max), 0, 0, 0)
	if e == unix.EINTR {
		return 0, 0
	}
	p.busy = int(n) > 0
	return int(n), e
}

// sleep waits until the deadline at most.
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
		// Whatever the error is: a kernel or a sandbox that refuses a call chooses the number. If
		// the older call works, it was that, and is remembered.
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

// take turns the kernel's events into ours, without the Poller's own.
func (p *epoll) take(events []Event, n int) int {
	k := 0
	for i := range p.raw[:n] {
		raw := &p.raw[i]
		if raw.Fd == int32(p.wakefd) && raw.Pad == 0 {
			p.clearWake()
			p.woken.Store(false) // before the waker's work is looked for: a later Wake writes again
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
	one := uint64(1) // the counter is never read: it is full after 2^64 wakes
	_, _, e := syscall.RawSyscall(unix.SYS_WRITE, uintptr(p.wakeTo), uintptr(unsafe.Pointer(&one)), 8)
	if e != 0 {
		return os.NewSyscallError("write", e)
	}
	return nil
}

// clearWake empties the sockets that stand in for an eventfd. One Wake at most is in them: the next
// one writes after this.
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
