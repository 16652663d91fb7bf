//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package poller

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/clock"
	"github.com/ureactor/ureactor/internal/kevent"
	"github.com/ureactor/ureactor/timeout"
)

// A queue makes the kevent(2) calls of this system.
type queue struct {
	fd      int
	waker   waker
	changes kevents // room for the kevents of Change
	raw     kevents // room for the kevents of Wait
	left    unix.Timespec
}

// kevents is memory for values of Kevent_t, which the garbage collector does not scan. x/sys
// declares udata as a pointer, but here udata is a generation, and a pointer with that value
// crashes the runtime. So a Kevent_t is never copied to a variable.
type kevents []uintptr

const keventWords = unsafe.Sizeof(unix.Kevent_t{}) / unsafe.Sizeof(uintptr(0))

// If a size or a flag is not what this package expects, one of these declarations does not compile.
// A Kevent_t must have a whole number of words, and udata must have the size of a word. The flags
// must be those of package kevent.
var (
	_ [0]struct{} = [unsafe.Sizeof(unix.Kevent_t{}) % unsafe.Sizeof(uintptr(0))]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(unix.Kevent_t{}.Udata) - unsafe.Sizeof(uintptr(0))]struct{}{}
	_ [0]struct{} = [kevent.Add ^ unix.EV_ADD | kevent.Delete ^ unix.EV_DELETE | kevent.Enable ^ unix.EV_ENABLE]struct{}{}
	_ [0]struct{} = [kevent.Clear ^ unix.EV_CLEAR | kevent.Error ^ unix.EV_ERROR | kevent.EOF ^ unix.EV_EOF]struct{}{}
	_ [0]struct{} = [kevent.OneShot ^ unix.EV_ONESHOT]struct{}{}
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

// New makes a kqueue, and a waker that ends its waits.
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
	q := &queue{fd: fd, changes: makeKevents(len(kqueue{}.changes))}
	if err := q.waker.open(q); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return newKqueue(q), nil
}

func (*queue) Now() timeout.Deadline { return clock.Now() }
func (q *queue) FD() int             { return q.fd }

func (*queue) Errors() kevent.Errors {
	return kevent.Errors{Perm: unix.EPERM, NoDev: unix.ENODEV, NoEnt: unix.ENOENT, Exist: unix.EEXIST, BadFD: unix.EBADF}
}

func (*queue) Pollable(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err == nil {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG, unix.S_IFDIR, unix.S_IFBLK:
			return unix.EPERM
		}
	}
	return nil
}

func (q *queue) Change(list []kevent.Change) error {
	k := q.changes.slice()[:len(list)]
	for i, c := range list {
		filter := unix.EVFILT_READ
		if c.Write {
			filter = unix.EVFILT_WRITE
		}
		setKevent(&k[i], c.FD, filter, c.Flags, 0, c.Gen)
	}
	return q.apply(k)
}

// apply makes the changes. It requests no events, so it does not wait. If it is interrupted by a
// signal, the kernel has already made the changes.
func (q *queue) apply(changes []unix.Kevent_t) error {
	_, err := unix.Kevent(q.fd, changes, nil, nil)
	if err == unix.EINTR {
		return nil
	}
	return err
}

func (q *queue) Wait(n int, left time.Duration) (int, error) {
	if len(q.raw) < n*int(keventWords) {
		q.raw = makeKevents(n)
	}
	var limit *unix.Timespec
	if left >= 0 {
		q.left = unix.NsecToTimespec(int64(left))
		limit = &q.left
	}
	n, err := unix.Kevent(q.fd, nil, q.raw.slice()[:n], limit)
	if err == unix.EINTR {
		return 0, nil
	}
	return max(n, 0), err
}

func (q *queue) Event(i int) kevent.Event {
	k := &q.raw.slice()[i]
	fd, gen, filter := int32(k.Ident), genOf(k), int(k.Filter)
	return kevent.Event{
		FD: fd, Gen: gen, Flags: uint32(k.Flags), Fflags: k.Fflags,
		Write: filter == unix.EVFILT_WRITE, Wake: q.waker.is(int(fd), gen, filter),
	}
}

func (q *queue) Woken()      { q.waker.clear() }
func (q *queue) Wake() error { return q.waker.wake(q) }

func (q *queue) Close() error {
	err := q.waker.close()
	if e := unix.Close(q.fd); err == nil {
		err = e
	}
	return err
}
