//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

func (host) Now() timeout.Deadline             { return poller.Now() }
func (host) NewPoller() (poller.Poller, error) { return poller.New() }

func (host) Listen(fd, backlog int) Errno { return errno(unix.Listen(fd, backlog)) }
func (host) Shutdown(fd, how int) Errno   { return errno(unix.Shutdown(fd, how)) }
func (host) Unlink(path string) Errno     { return errno(unix.Unlink(path)) }

// Close is never repeated: after EINTR the number is free already, and may be somebody else's.
func (host) Close(fd int) Errno {
	if e := errno(unix.Close(fd)); e != EINTR {
		return e
	}
	return 0
}

func (host) GetOpt(fd, level, name int) (int, Errno) {
	v, err := unix.GetsockoptInt(fd, level, name)
	return v, errno(err)
}

func (host) SetOpt(fd, level, name, value int) Errno {
	return errno(unix.SetsockoptInt(fd, level, name, value))
}

func (host) SetOptBytes(fd, level, name int, p []byte) Errno {
	return errno(unix.SetsockoptString(fd, level, name, string(p)))
}

func errno(err error) Errno {
	if err == nil {
		return 0
	}
	return err.(Errno) // x/sys returns nothing else from a system call
}
