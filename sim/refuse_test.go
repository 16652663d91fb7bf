package sim_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
)

// In the tests of this file something outside of the program interferes: another owner of a
// descriptor, a sandbox, or a peer that never pauses. The tests check the results of the program's
// later calls.

// A refused call fails each time, until the test allows it again. A refusal is not a fault.
func TestRefusedCallsStayRefused(t *testing.T) {
	w := sim.New(1, sim.Options{Refused: map[sim.Call]sim.Errno{sim.Accept: kernel.EPERM}})
	defer w.Close()
	h := w.Host("10.0.0.1")
	l := listening(t, h, "10.0.0.1:80", 1)
	h.Refuse(sim.LocalAddr, kernel.ENOSYS)
	for range 100 {
		_, _, e := h.Accept(l)
		_, e2 := h.LocalAddr(l)
		if e != kernel.EPERM || e2 != kernel.ENOSYS {
			t.Fatal(e, e2)
		}
	}
	h.Refuse(sim.LocalAddr, 0)
	if _, e := h.LocalAddr(l); e != 0 {
		t.Error("allowed again:", e)
	}
	if len(w.Faults()) != 0 {
		t.Error("a refusal is no fault:", w.Faults())
	}
}

// A duplicate has its own number and keeps the connection open: the peer gets the end of input only
// after the last close.
func TestDuplicatesAreOneFile(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	a, b := joined(t, w, h)
	twin, e := h.Dup(a)
	if e != 0 || twin == a {
		t.Fatal(twin, e)
	}
	p, _ := h.NewPoller()
	if err := p.Add(twin, 1, 1); err != nil {
		t.Fatal(err)
	}
	h.Close(a)
	p.Del(twin)
	p.Close()
	if n, e := h.Send(twin, []byte("x"), 0); n != 1 || e != 0 {
		t.Fatal(n, e)
	}
	run(t, w)
	buf := make([]byte, 9)
	if n, e := h.Recv(b, buf, 0); n != 1 || e != 0 {
		t.Error("the peer:", n, e)
	}
	h.Close(twin)
	run(t, w)
	if n, e := h.Recv(b, buf, 0); n != 0 || e != 0 {
		t.Error("the peer after the last close:", n, e)
	}
	h.Close(b)
	if left := w.Leaks(); len(left) > 0 {
		t.Error(left)
	}
}

// The function that is passed to During runs in the middle of a call. If the function closes the
// descriptor, the call fails. If the function then opens a socket with the same number, the call
// uses that socket.
func TestAnotherThreadActsDuringACall(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	a, _ := joined(t, w, h)
	h.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0) // uses the free number
	h.During(sim.Send, 2, func(fd int) {
		h.Close(fd)
		if again, _ := h.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0); again != fd {
			t.Error("the number is not given away again:", again)
		}
	})
	_, first := h.Send(a, []byte("x"), 0)
	_, second := h.Send(a, []byte("x"), 0)
	if first != 0 || second != kernel.EPIPE { // a new socket returns EPIPE
		t.Error(first, second)
	}
}

// If O_NONBLOCK is clear, connect blocks its program until the connection is open. Outside of a
// program nothing can wait, so there the run fails. Accept does not block, because the host calls
// poll first.
func TestConnectWaitsWhereAnotherOwnerWantsIt(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h, client := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	l := listening(t, h, "10.0.0.1:80", 1)
	h.SetNonblock(l, false)
	if _, _, e := h.Accept(l); e != kernel.EAGAIN || w.Err() != nil {
		t.Error(e, w.Err())
	}
	client.Boot("client", func() {
		fd, _ := client.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
		client.SetNonblock(fd, false)
		if e := client.Connect(fd, kernel.Inet(addr("10.0.0.1:80"))); e != 0 {
			t.Error(e)
		}
	})
	if err := w.RunUntilDone(time.Minute); err != nil {
		t.Error(err)
	}
	fd, _ := client.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	client.SetNonblock(fd, false)
	client.Connect(fd, kernel.Inet(addr("10.0.0.1:80")))
	if w.Err() == nil || !strings.Contains(w.Err().Error(), "lacks O_NONBLOCK") {
		t.Error(w.Err())
	}
}

// An Endless descriptor always has more input, in whatever amounts a program reads it.
func TestEndlessPeers(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	for _, kind := range []int{kernel.SOCK_STREAM, kernel.SOCK_DGRAM} {
		for _, family := range []int{kernel.AF_INET, kernel.AF_UNIX} {
			w := sim.New(1, sim.Options{})
			h := w.Host("10.0.0.1")
			fd, _ := h.Socket(family, kind, 0)
			switch {
			case kind == kernel.SOCK_STREAM && family == kernel.AF_INET:
				fd, _ = joined(t, w, h)
			case kind == kernel.SOCK_STREAM:
				l, _ := h.Socket(family, kind, 0)
				h.Bind(l, kernel.Unix("/l"))
				h.Listen(l, 1)
				h.Connect(fd, kernel.Unix("/l"))
			}
			if e := h.Endless(fd, []byte("abc")); e != 0 {
				t.Fatal(e)
			}
			buf := make([]byte, 3)
			for i := range longtest.Count(10_000, 20_000, 100_000) {
				if n, e := h.Recv(fd, buf, 0); n != 3 || e != 0 || !bytes.Equal(buf, []byte("abc")) {
					t.Fatalf("family %d, type %d, read %d: %q %v", family, kind, i, buf[:n], e)
				}
			}
			w.Close()
		}
	}
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	l := listening(t, h, "10.0.0.1:80", 9)
	h.Endless(l, nil)
	for i := range 10_000 {
		fd, _, e := h.Accept(l)
		if e != 0 {
			t.Fatal(i, e)
		}
		if n, e := h.Send(fd, []byte("x"), 0); n != 1 || e != 0 {
			t.Fatal(i, n, e)
		}
		h.Close(fd)
	}
	run(t, w)
}

// joined returns the two ends of a connection on one host.
func joined(t testing.TB, w *sim.World, h *sim.Host) (a, b int) {
	t.Helper()
	l := listening(t, h, "10.0.0.1:7", 1)
	a, e := connecting(t, w, h, "10.0.0.1:7", time.Second)
	b, _, e2 := h.Accept(l)
	if e != 0 || e2 != 0 {
		t.Fatal(e, e2)
	}
	h.Close(l)
	return a, b
}

func run(t testing.TB, w *sim.World) {
	t.Helper()
	if err := w.Run(time.Second); err != nil {
		t.Fatal(err)
	}
}
