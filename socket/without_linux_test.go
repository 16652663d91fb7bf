package socket_test

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// No descriptor is left for the Poller of the background goroutine. Calls can still wait: until
// their deadline, until they are ready, and until Close. The test runs in a process of its own,
// because in this process the Poller exists already.
func TestWaitsWithoutDescriptors(t *testing.T) {
	const child = "UREACTOR_TEST_WITHOUT"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWaitsWithoutDescriptors$", "-test.count=1")
		cmd.Env = append(os.Environ(), child+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	runtimePoller()
	parked(t, func(l *lab) {
		s, other := l.udp(), l.udp()
		at := l.addr(s)
		spare := l.udp()
		l.must(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}))
		for {
			if _, err := syscall.Dup(0); err != nil {
				break
			}
		}
		begun := time.Now()
		l.must(s.SetTimeout(timeout.Timeout(30 * time.Millisecond)))
		_, err := s.Recv(9)
		l.errno(err, syscall.ETIMEDOUT)
		if took := time.Since(begun); took < 30*time.Millisecond {
			t.Errorf("ETIMEDOUT after %v", took)
		}
		l.must(s.SetTimeout(timeout.None))
		got := l.beside(func(l *lab) { l.recv(s, 9, "x") })
		_, err = other.SendTo([]byte("x"), at)
		l.must(err)
		got()
		ended := l.beside(func(l *lab) {
			_, err := s.Recv(9)
			l.errno(err, syscall.EBADF)
		})
		l.must(s.Close())
		ended()
		l.must(spare.SetTimeout(1))
		_, err = spare.Recv(1)
		l.errno(err, syscall.ETIMEDOUT)
	})
}

// No descriptor is left when the first host name is looked up. The lookup returns EAI_AGAIN,
// because the resolver could not open anything. The test runs in a process of its own, because the
// resolver keeps files in memory that it has read.
func TestLooksUpLaterWithoutDescriptors(t *testing.T) {
	const child = "UREACTOR_TEST_LOOKUP"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLooksUpLaterWithoutDescriptors$", "-test.count=1")
		cmd.Env = append(os.Environ(), child+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	runtimePoller()
	var taken []int
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		t.Fatal(err)
	}
	for {
		fd, err := syscall.Dup(0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	_, err := socket.GetAddrInfo("localhost", "80", 0, 0, 0, 0)
	for _, fd := range taken {
		syscall.Close(fd)
	}
	var os *socket.OSError
	if !errors.As(err, &os) || os.Errno != socket.EAI_AGAIN || !os.Temporary() {
		t.Error(err)
	}
}
