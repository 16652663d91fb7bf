package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// After a failed connect, one of three calls returns the error: a second connect, SO_ERROR, or
// recv. The later state of the socket depends on the call that has returned the error. The test
// compares the simulated kernel with the host. The scripts of differ_linux_test.go contain no
// failed connect, because they begin with connected sockets.
func TestFailedConnectLeavesWhatTheHostLeaves(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		for _, told := range []string{"connect", "SO_ERROR", "recv", "nobody"} {
			w := sim.New(1, sim.Options{})
			h := w.Host("10.0.0.1")
			wait := func() {
				if err := w.Run(10 * time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			want := failedConnect(t, kernel.Host, told, fixed, func() { time.Sleep(time.Millisecond) })
			if got := failedConnect(t, h, told, fixed, wait); got != want {
				t.Errorf("told by %s, bound: %v:\nsimulated %s\nhost      %s", told, fixed, got, want)
			}
			w.Close()
		}
	}
}

func failedConnect(t *testing.T, k kernel.Kernel, told string, fixed bool, wait func()) string {
	t.Helper()
	var said []string
	say := func(what string, v ...any) { said = append(said, what+" "+strings.TrimSpace(fmt.Sprintln(v...))) }
	at := func() kernel.Addr { return kernel.Inet(addr("127.0.0.1:0")) }
	hole, _ := k.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	defer k.Close(hole)
	k.Bind(hole, at())
	to, _ := k.LocalAddr(hole)

	fd, _ := k.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	defer k.Close(fd)
	if fixed {
		free, _ := k.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
		k.Bind(free, at())
		a, _ := k.LocalAddr(free)
		k.Close(free)
		say("bind", k.Bind(fd, a))
	}
	say("connect", k.Connect(fd, to))
	for ready, _ := k.Ready(fd); ready == 0; ready, _ = k.Ready(fd) {
		wait()
	}
	p := make([]byte, 9)
	switch told {
	case "connect":
		say("again", k.Connect(fd, to))
	case "SO_ERROR":
		n, e := k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR)
		say("SO_ERROR", kernel.Errno(n), e)
	case "recv":
		_, e := k.Recv(fd, p, 0)
		say("recv", e)
	}
	ready, e := k.Ready(fd)
	say("poll", ready, e)
	if told != "nobody" {
		n, e := k.Recv(fd, p, 0)
		say("recv", n, e)
	}
	say("bind", k.Bind(fd, at()))
	say("listen", k.Listen(fd, 1))
	return strings.Join(said, ", ")
}

// A socket can be bound again after its connection has ended, unless its port was given to bind
// explicitly.
func TestBindAfterTheConnection(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	a, b := joined(t, w, h)
	if e := h.Bind(a, kernel.Inet(addr("10.0.0.1:0"))); e != kernel.EINVAL {
		t.Error("connected:", e)
	}
	h.Shutdown(a, kernel.SHUT_WR)
	h.Shutdown(b, kernel.SHUT_WR)
	run(t, w)
	for _, fd := range []int{a, b} {
		if e := h.Bind(fd, kernel.Inet(addr("10.0.0.1:0"))); e != 0 {
			t.Error("after both ends:", e)
		}
	}
	other := listening(t, h, "10.0.0.1:99", 1)
	c, d := joined(t, w, h)
	h.SetOptBytes(c, kernel.SOL_SOCKET, kernel.SO_LINGER, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	h.Close(c)
	run(t, w)
	if e := h.Bind(d, kernel.Inet(addr("10.0.0.1:99"))); e != kernel.EADDRINUSE {
		t.Error("reset, to an address that is taken:", e)
	}
	if e := h.Bind(d, kernel.Inet(addr("10.0.0.1:98"))); e != 0 {
		t.Error("reset:", e)
	}
	h.Close(other)
}

// Both kernels refuse TCP_NODELAY on a datagram socket with ENOPROTOOPT.
func TestDatagramSocketsHaveNoOptionsOfTCP(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	for _, k := range []kernel.Kernel{kernel.Host, w.Host("10.0.0.1")} {
		fd, _ := k.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		if e := k.SetOpt(fd, kernel.IPPROTO_TCP, kernel.TCP_NODELAY, 1); e != kernel.ENOPROTOOPT {
			t.Errorf("%T: %v", k, e)
		}
		k.Close(fd)
	}
}
