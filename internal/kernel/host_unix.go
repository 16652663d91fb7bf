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

// NewPoller also makes the Go runtime open its own poller. Otherwise the runtime opens it at the
// first timer or file of the process. If no descriptor is free then, the runtime ends the process.
// A server without a free descriptor must be able to start a timer, for example for its shutdown.
func (*host) NewPoller() (poller.Poller, error) {
	p, err := poller.New()
	if err == nil {
		// NewTimer would not do: the runtime starts its timer only when a goroutine receives from it.
		time.AfterFunc(time.Hour, func() {}).Stop()
	}
	return p, err
}

func (*host) Listen(fd, backlog int) Errno {
	// The system has a lower limit of its own.
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

// Close does not repeat close(2) after EINTR: the number is free then, and may have a new owner.
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
	if value != int(int32(value)) { // x/sys would truncate the value
		return EINVAL
	}
	return errno(unix.SetsockoptInt(fd, level, name, value))
}

func (*host) SetOptBytes(fd, level, name int, p []byte) Errno {
	return errno(unix.SetsockoptString(fd, level, name, string(p)))
}

func (*host) Ready(fd int) (poller.Readiness, Errno) {
	if fd != int(int32(fd)) { // pollfd would truncate fd
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

// acceptable reports whether accept can be called without a wait. accept has no MSG_DONTWAIT. If
// another owner of the listener has cleared O_NONBLOCK, accept is called only if poll reports a
// connection. Another process may accept that connection between the two calls. Then this goroutine
// waits in accept for the next connection, and no other goroutine is blocked.
func (k *host) acceptable(fd int) bool {
	if flags, e := fileFlags(fd); e == 0 && flags&unix.O_NONBLOCK != 0 {
		return true
	}
	ready, e := k.Ready(fd)
	// poll(2) ignores a negative descriptor, so accept must return the error.
	return e != 0 || ready != 0 || fd < 0
}

func errno(err error) Errno {
	if err == nil {
		return 0
	}
	return err.(Errno) // a system call of x/sys returns no other type
}

// pollReady converts the revents of poll(2).
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

// MaxFiles returns the soft limit, which setrlimit can change at any time.
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
