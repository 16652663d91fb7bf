package poller

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/timeout"
)

// withPair returns the kind of Poller that New makes if eventfd2 is refused. The test must close
// it.
func withPair(t *testing.T) *epoll {
	t.Helper()
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	p := &epoll{fd: fd}
	if p.wakefd, p.wakeTo, err = wakePair(); err != nil {
		t.Fatal(err)
	}
	if err := p.ctl(unix.EPOLL_CTL_ADD, p.wakefd, 0, epollIn|epollET); err != nil {
		t.Fatal(err)
	}
	return p
}

// The 2,000 wake-ups of this test do not fit in a socket buffer, so each Wait must empty the pair.
// The two sockets of the pair are non-blocking and close-on-exec, and Close closes them.
func TestPairInsteadOfAnEventfdNeverFills(t *testing.T) {
	p := withPair(t)
	var events [1]Event
	for i := range 2000 {
		if err := p.Wake(); err != nil {
			t.Fatal(i, err)
		}
		if n, err := p.Wait(events[:], timeout.Never); n != 0 || err != nil {
			t.Fatal(i, n, err)
		}
	}
	ends := []int{p.wakefd, p.wakeTo}
	for _, fd := range ends {
		status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil || status&unix.O_NONBLOCK == 0 {
			t.Errorf("%#x, %v", status, err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags != unix.FD_CLOEXEC {
			t.Errorf("%#x, %v", flags, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, fd := range ends {
		if isOpen(fd) {
			t.Errorf("%d is open", fd)
		}
	}
}

func isOpen(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

// Close closes all three descriptors, and returns an error if closing any of them fails.
func TestCloseReturnsEachError(t *testing.T) {
	for i := range 3 {
		p := withPair(t)
		fds := []int{p.wakefd, p.wakeTo, p.fd}
		if err := unix.Close(fds[i]); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); !errors.Is(err, unix.EBADF) {
			t.Errorf("descriptor %d of three was closed: %v", i, err)
		}
		for k, fd := range fds {
			if isOpen(fd) {
				t.Errorf("descriptor %d of three was closed, and %d is open", i, k)
			}
		}
	}
}

// If the process has too few free descriptors, New returns an error and leaves none open.
func TestNewThatFailsKeepsNoDescriptor(t *testing.T) {
	next, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(next)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	for room, call := range []string{"epoll_create1", "eventfd"} {
		limit := before
		limit.Cur = uint64(next + room)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		p, err := New()
		if e := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); e != nil {
			t.Fatal(e)
		}
		var named *os.SyscallError
		if p != nil || !errors.Is(err, unix.EMFILE) || !errors.As(err, &named) || named.Syscall != call {
			t.Errorf("room for %d: %v, %v, want %s", room, p, err, call)
		}
		if isOpen(next) {
			t.Errorf("room for %d: %d is left open", room, next)
			unix.Close(next)
		}
	}
}
