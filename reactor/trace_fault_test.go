//go:build unix

package reactor

import (
	"bytes"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Enter or Leave panics, or calls runtime.Goexit, at its n-th call, for each n. The loop reports
// that once, and calls neither again. A panic ends no callback. After a Goexit the loop ends. In
// both cases the Task ends, the post runs, and Closed is called.
func TestFaultsOfEnterAndLeave(t *testing.T) {
	for _, where := range []string{"Enter", "Leave"} {
		for how, f := range map[string]func(){"panic": func() { panic("on purpose") }, "Goexit": runtime.Goexit} {
			n := 1
			for ; testFaultOfTrace(t, n, where, how, f); n++ {
			}
			if n < 7 {
				t.Errorf("only %d calls of %s", n-1, where)
			}
		}
	}
}

// testFaultOfTrace returns whether there was an n-th call.
func testFaultOfTrace(t *testing.T, n int, where, how string, f func()) bool {
	told, calls, late := 0, 0, 0
	at := func(name string) {
		if calls >= n {
			late++
		}
		if name == where {
			if calls++; calls == n {
				f()
			}
		}
	}
	r := manual(t, WithPanicHandler(func(*Conn, any, []byte) { told++ }), WithTrace(Trace{
		Enter: func(string) { at("Enter") },
		Leave: func() { at("Leave") },
	}))
	a, b := pair(t)
	defer unix.Close(b)
	closed, posted := 0, 0
	c := adoptFD(t, r, a, countingEcho{closed: &closed})
	fill(b, []byte("x"))
	ran := 0
	r.After(0, func() { ran++ })
	r.Post(func() { posted++ })
	task := r.Go(func(k *Task) {
		k.Sleep(0)
		k.Sleep(time.Microsecond)
		k.Sleep(0)
		c.Abort()
	})
	var err error
	ends := func() bool { return how == "Goexit" && calls >= n }
	for turns := 0; err == nil && (ends() || !task.Done() || r.timers.Len() > 0); turns++ {
		if turns == 1000 {
			t.Fatalf("%s, %s %d: no end, the Task is done: %v", how, where, n, task.Done())
		}
		apart(func() { err = r.Turn(r.Now() + 1) })
	}
	got := make([]byte, 2)
	if k, _ := kernel.Host.Recv(b, got, 0); k == 1 {
		ran++
	}
	happened := calls >= n
	if !task.Done() || closed != 1 || posted != 1 || ends() && err == nil || !ends() && ran != 2 {
		t.Errorf("%s, %s %d: %d, %d and %d callbacks have run, the Task is done: %v; the loop has ended: %v",
			how, where, n, ran, posted, closed, task.Done(), err)
	}
	if late != 0 || happened && told != 1 || !happened && told != 0 {
		t.Errorf("%s, %s %d: %d late calls, %d reports", how, where, n, late, told)
	}
	return calls >= n
}

// A function of the Trace panics, or calls runtime.Goexit, at each call. Then no Conn is lost: each
// handler gets one Closed, and no Data without Opened. The peer reads to the end of the stream.
func TestFaultsOfATraceLoseNoConn(t *testing.T) {
	for how, f := range map[string]func(){"panic": func() { panic("on purpose") }, "Goexit": runtime.Goexit} {
		for name, trace := range map[string]Trace{
			"Accept": {Accept: func(*Listener, Addr) { f() }},
			"Open":   {Open: func(*Conn) { f() }},
			"Read":   {Read: func(*Conn, int) { f() }},
			"Send":   {Send: func(*Conn, int, error) { f() }},
			"Close":  {Close: func(*Conn, error) { f() }},
			"Turn":   {Turn: func(int, time.Duration) { f() }},
		} {
			testFaultOfTraceFunction(t, how+" "+name, trace, nil)
			testFaultOfTraceFunction(t, how+" "+name+", a post", trace, func(r *Reactor, f func()) { r.Post(f) })
			testFaultOfTraceFunction(t, how+" "+name+", a Task", trace, func(r *Reactor, f func()) { r.Go(func(*Task) { f() }) })
		}
	}
}

// If later is nil, Data sends, and the peer ends the connection. Otherwise a function that the loop
// calls later sends and closes the Conn.
func testFaultOfTraceFunction(t *testing.T, name string, trace Trace, later func(r *Reactor, f func())) {
	r := manual(t, WithPanicHandler(func(*Conn, any, []byte) {}), WithTrace(trace))
	handlers, opened, closed := 0, 0, 0
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*Conn) Handler {
		handlers++
		return &hooks{
			opened: func(*Conn) { opened++ },
			data: func(c *Conn, p []byte) {
				if opened < handlers {
					t.Errorf("%s: Data without Opened", name)
				}
				if later == nil {
					c.Send(p)
					return
				}
				p = bytes.Clone(p)
				later(r, func() { c.Send(p); c.Close() })
			},
			closed: func(*Conn, error) { closed++ },
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	peer.Write([]byte("x"))
	if later == nil {
		peer.(*net.TCPConn).CloseWrite()
	}
	ended := false
	for end := time.Now().Add(guard); !(ended && closed == handlers) && time.Now().Before(end); {
		apart(func() { r.Turn(r.Now() + 1_000_000) })
		peer.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, err := peer.Read(make([]byte, 1))
		ended = ended || err != nil && !os.IsTimeout(err)
	}
	if !ended || closed != handlers {
		t.Fatalf("%s: the peer has read the end: %v; %d of %d calls of Closed", name, ended, closed, handlers)
	}
}

// countingEcho counts the calls of Closed.
type countingEcho struct {
	echo
	closed *int
}

func (e countingEcho) Closed(*Conn, error) { *e.closed++ }
