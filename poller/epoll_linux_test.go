package poller

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/timeout"
)

func newEpoll(t *testing.T) *epoll {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p.(*epoll)
}

// written reads the eventfd's counter, which Wait leaves alone.
func written(t *testing.T, p *epoll) byte {
	t.Helper()
	var count [8]byte
	if _, err := unix.Read(p.wakefd, count[:]); err != nil {
		t.Fatal(err)
	}
	return count[0] + count[7]
}

// The eventfd counts the writes.
func TestManyWakesCostOneWrite(t *testing.T) {
	p := newEpoll(t)
	for range 2 {
		for range 1000 {
			p.Wake()
		}
		var events [1]Event
		p.Wait(events[:], timeout.Never)
		if n := written(t, p); n != 1 {
			t.Fatalf("%d writes", n)
		}
	}
}

// Without epoll_pwait2 (before Linux 5.11) the wait counts in milliseconds.
func TestMillisecondWaitIsNeverEarly(t *testing.T) {
	p := newEpoll(t)
	p.noPwait = true
	var events [1]Event
	for i := range 100 {
		until := Now() + timeout.Deadline(i*37_000)
		if n, err := p.Wait(events[:], until); n != 0 || err != nil || !until.Passed(Now()) {
			t.Fatalf("%d, %v, %v too early", n, err, until.Left(Now()))
		}
	}
	go p.Wake()
	if n, err := p.Wait(events[:], timeout.Never); n != 0 || err != nil {
		t.Fatal(n, err)
	}
}

// The column of epoll in the table at kqueueReady, on real sockets.
func TestEpollTellsWhatTheKqueueTableSays(t *testing.T) {
	p := newEpoll(t)
	unixPair := func() (int, int) {
		ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		return ends[0], ends[1]
	}
	pipe := func() (int, int) {
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		return ends[0], ends[1]
	}
	table := []struct {
		situation string
		make      func() (int, []int) // the one to look at, and the others
		want      Interest
	}{
		{"FIN", func() (int, []int) {
			a, b := tcpPair(t)
			unix.Shutdown(b, unix.SHUT_WR)
			return a, []int{b}
		}, In | Out},
		{"shutdown(WR)", func() (int, []int) {
			a, b := tcpPair(t)
			unix.Shutdown(a, unix.SHUT_WR)
			return a, []int{b}
		}, Out},
		{"both of them", func() (int, []int) {
			a, b := tcpPair(t)
			unix.Shutdown(a, unix.SHUT_WR)
			unix.Shutdown(b, unix.SHUT_WR)
			return a, []int{b}
		}, In | Out | Hup},
		{"a pair's end", func() (int, []int) {
			a, b := unixPair()
			unix.Close(b)
			return a, nil
		}, In | Out | Hup},
		{"RST", func() (int, []int) {
			a, b := tcpPair(t)
			unix.SetsockoptLinger(b, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
			unix.Close(b)
			return a, nil
		}, In | Out | Err | Hup},
		{"a refused connect", func() (int, []int) {
			a := dialDead(t, unix.SOCK_STREAM)
			return a, nil
		}, In | Out | Err | Hup},
		{"an ICMP error on a UDP socket", func() (int, []int) {
			a := dialDead(t, unix.SOCK_DGRAM)
			unix.Write(a, []byte("x"))
			return a, nil
		}, Out | Err},
		{"a pipe without writers", func() (int, []int) {
			r, w := pipe()
			unix.Close(w)
			return r, nil
		}, Hup},
		{"a pipe without writers, with data", func() (int, []int) {
			r, w := pipe()
			unix.Write(w, []byte("x"))
			unix.Close(w)
			return r, nil
		}, In | Hup},
		{"a pipe without readers", func() (int, []int) {
			r, w := pipe()
			unix.Close(r)
			return w, nil
		}, Out | Err},
		{"a TCP socket before connect", func() (int, []int) {
			fd, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			return fd, nil
		}, Out | Hup},
	}
	for _, row := range table {
		fd, others := row.make()
		if err := p.Add(fd, 1, In|Out); err != nil {
			t.Fatal(err)
		}
		var events [1]Event
		got := Interest(0)
		for until := Now() + timeout.Deadline(10*time.Second); got != row.want && !until.Passed(Now()); {
			p.Wait(events[:], until) // the loopback may take its time
			got = events[0].Ready
		}
		if got != row.want {
			t.Errorf("%s: %v, want %v", row.situation, got, row.want)
		}
		p.Del(fd)
		for _, fd := range append(others, fd) {
			unix.Close(fd)
		}
	}
}

func tcpPair(t *testing.T) (a, b int) {
	t.Helper()
	l := bound(t, unix.SOCK_STREAM)
	defer unix.Close(l)
	if err := unix.Listen(l, 1); err != nil {
		t.Fatal(err)
	}
	a = connected(t, unix.SOCK_STREAM, l)
	b, _, err := unix.Accept(l)
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

// dialDead connects to a port that nobody listens on.
func dialDead(t *testing.T, typ int) int {
	t.Helper()
	dead := bound(t, typ)
	defer unix.Close(dead)
	return connected(t, typ, dead)
}

func bound(t *testing.T, typ int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, typ, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func connected(t *testing.T, typ, to int) int {
	t.Helper()
	sa, err := unix.Getsockname(to)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_INET, typ|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS && err != unix.ECONNREFUSED {
		t.Fatal(err)
	}
	return fd
}
