//go:build netbsd || openbsd

package poller

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kevent"
)

// A waker ends the wait of a kqueue. On this system it is a pipe, because x/sys does not have
// EVFILT_USER for this system.
type waker struct{ r, w int }

func (p *waker) open(q *queue) error {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	p.r, p.w = ends[0], ends[1]
	changes := q.changes.slice()[:1]
	setKevent(&changes[0], p.r, unix.EVFILT_READ, kevent.Add|kevent.Clear, 0, 0)
	if err := q.apply(changes); err != nil {
		p.close()
		return os.NewSyscallError("kevent", err)
	}
	return nil
}

func (p *waker) wake(*queue) error {
	for {
		_, err := unix.Write(p.w, []byte{0})
		if err == unix.EINTR {
			continue
		}
		return os.NewSyscallError("write", err)
	}
}

func (p *waker) is(fd int, gen uint32, filter int) bool { return fd == p.r && gen == 0 }

// clear empties the pipe. The pipe holds at most one byte, because after a Wake the next one writes
// only when clear has returned.
func (p *waker) clear() {
	var b [8]byte
	for {
		if _, err := unix.Read(p.r, b[:]); err != unix.EINTR {
			return
		}
	}
}

func (p *waker) close() error {
	err := unix.Close(p.r)
	if e := unix.Close(p.w); err == nil {
		err = e
	}
	return err
}
