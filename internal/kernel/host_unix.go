//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/clock"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

func (*host) Now() timeout.Deadline { return clock.Now() }

// NewPoller also makes the Go runtime open its own poller. Otherwise the runtime does that at the
// process's first timer or file, and ends the process if no descriptor is left. That could be a
// server at its limit whose shutdown has a deadline.
func (*host) NewPoller() (poller.Poller, error) {
	p, err := poller.New()
	if err == nil {
		// Not NewTimer: the runtime starts that one only when a goroutine receives from it.
		time.AfterFunc(time.Hour, func() {}).Stop()
	}
	return p, err
}

func (*host) Listen(fd, backlog int) Errno {
	// The system's own limit is lower.
	return errno(unix.Listen(fd, max(min(backlog, math.MaxInt32), math.MinInt32)))
}

func (*host) Shutdown(fd, how int) Errno { return errno(unix.Shutdown(fd, how)) }
func (*host) Unlink(path string) Errno   { return errno(unix.Unlink(path)) }

func (*host) FileID(path string) (FileID, Errno) {
	var s unix.Stat_t
	if err := unix.Lstat(path, &s); err != nil {
		return FileID{}, errno(err)
	}
	return FileID{Dev: uint64(s.Dev), Ino: s.Ino, Socket: s.Mode&unix.S_IFMT == unix.S_IFSOCK}, 0
}

// Close is never repeated: after EINTR the number is free, and may belong to another owner already.
func (*host) Close(fd int) Errno {
	if e := errno(unix.Close(fd)); e != EINTR {
		return e
	}
	return 0
}

func (*host) GetOpt(fd, level, name int) (int, Errno) {
	v, err := unix.GetsockoptInt(fd, level, name)
	return v, errno(err)
}

func (*host) SetOpt(fd, level, name, value int) Errno {
	if value != int(int32(value)) { // x/sys would truncate it
		return EINVAL
	}
	return errno(unix.SetsockoptInt(fd, level, name, value))
}

func (*host) SetOptBytes(fd, level, name int, p []byte) Errno {
	return errno(unix.SetsockoptString(fd, level, name, string(p)))
}

func (*host) Ready(fd int) (poller.Readiness, Errno) {
	if fd != int(int32(fd)) { // pollfd would truncate it
		return 0, EBADF
	}
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLPRI | unix.POLLOUT}}
	for {
		_, err := unix.Poll(p, 0)
		if Refusal(errno(err)) {
			err = pollOther(p)
		}
		if e := errno(err); e != 0 && e != EINTR {
			return 0, e
		} else if e == 0 {
			break
		}
	}
	revents := p[0].Revents
	if revents&unix.POLLNVAL != 0 {
		return 0, EBADF
	}
	return pollReady(revents), 0
}

// acceptable reports whether accept can be called without a wait. accept has no MSG_DONTWAIT. So if
// another owner of the listener has cleared O_NONBLOCK, poll must see a connection first. If
// another process accepts that connection between the two calls, this goroutine waits for the next
// one, and no other does.
func (k *host) acceptable(fd int) bool {
	if flags, e := fileFlags(fd); e == 0 && flags&unix.O_NONBLOCK != 0 {
		return true
	}
	ready, e := k.Ready(fd)
	return e != 0 || ready != 0 || fd < 0 // poll ignores a negative number
}

func errno(err error) Errno {
	if err == nil {
		return 0
	}
	return err.(Errno) // x/sys returns nothing else from a system call
}

// pollReady converts the result of poll(2).
func pollReady(revents int16) (r poller.Readiness) {
	for _, b := range [...]struct {
		revents int16
		is      poller.Readiness
	}{{unix.POLLIN, poller.In}, {unix.POLLPRI, poller.Pri}, {unix.POLLOUT, poller.Out}, {unix.POLLERR, poller.Err}, {unix.POLLHUP, poller.Hup}} {
		if revents&b.revents != 0 {
			r |= b.is
		}
	}
	return r
}

func (*host) Dup(fd int) (int, Errno) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return n, errno(err)
}

// MaxFiles returns the soft limit. setrlimit can change it at any time.
func (*host) MaxFiles() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return math.MaxInt
	}
	return int(min(uint64(l.Cur), math.MaxInt32))
}

func (*host) PollFD(fd int, want poller.Interest, d time.Duration) Errno {
	p := []unix.PollFd{{Fd: int32(fd)}}
	if want&poller.In != 0 {
		p[0].Events |= unix.POLLIN
	}
	if want&poller.Out != 0 {
		p[0].Events |= unix.POLLOUT
	}
	_, err := unix.Poll(p, int((d+time.Millisecond-1)/time.Millisecond))
	if e := errno(err); e != EINTR {
		return e
	}
	return 0
}
