//go:build unix

package reactor

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

type rightsHooks struct {
	hooks
	rights func(*Conn, []int)
}

func (h *rightsHooks) Rights(c *Conn, fds []int) { h.rights(c, fds) }

// Rights is called before the Data that gets the bytes with which the descriptors were sent. If a
// Handler has no method Rights, or the Conn is closing, no descriptor leaks.
func TestDescriptorsArriveWithTheirBytes(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		var log []string
		got := func(c *Conn, fds []int) {
			log = append(log, fmt.Sprintf("%d descriptors", len(fds)))
			for _, fd := range fds {
				t.k.Close(fd)
			}
		}
		data := func(c *Conn, p []byte) { log = append(log, string(p)) }
		var handler Handler = &rightsHooks{hooks{data: data}, got}
		addr := t.listen("unix", func(*Conn) Handler { return handler })
		dial := func() *Conn {
			c, err := r.Attach(t.connected(addr), nil, &hooks{})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		gift, e := t.k.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		t.must("socket", e)
		t.own(gift)
		want := func(entries ...string) {
			t.Helper()
			text := fmt.Sprint(entries)
			t.until(func() bool { return len(fmt.Sprint(log)) >= len(text) })
			if fmt.Sprint(log) != text {
				t.Errorf("%v, want %v", log, entries)
			}
			log = nil
		}
		c := dial()
		c.Send([]byte("before"))
		want("before")
		if err := c.SendRights([]byte("with"), gift, gift); err != nil {
			t.Fatal(err)
		}
		want("2 descriptors", "with")
		c.Send([]byte("after"))
		want("after")
		files := t.files()
		for _, err := range []error{c.SendRights(nil, gift), c.SendRights([]byte("x")), c.SendRights([]byte("x"), make([]int, rightsMax+1)...)} {
			if !errors.Is(err, kernel.EINVAL) {
				t.Error(err)
			}
		}
		if err := c.SendRights([]byte("x"), gift, 1<<20); !errors.Is(err, kernel.EBADF) {
			t.Errorf("a descriptor that is not open: %v", err)
		}
		c.Send([]byte("still there"))
		want("still there")
		c.Abort()
		t.until(func() bool { return r.Stats().Conns == 0 })
		handler = &hooks{data: data} // this handler has no method Rights
		c = dial()
		c.SendRights([]byte("unwanted"), gift)
		want("unwanted")
		c.Abort()
		t.until(func() bool { return r.Stats().Conns == 0 })
		handler = &rightsHooks{hooks{data: func(*Conn, []byte) { t.Error("Data after Abort") }}, func(c *Conn, fds []int) { got(c, fds); c.Abort() }}
		c = dial()
		c.SendRights([]byte("ends"), gift)
		want("1 descriptors")
		t.until(func() bool { return c.FD() < 0 })
		if n := t.files(); n != files-2 { // the descriptors of the first two Conns are closed
			t.Errorf("%d descriptors, want %d", n, files-2)
		}
	})
}

// SendRights does not send before earlier output. If the kernel does not accept the earlier output,
// SendRights returns ErrBuffered and sends nothing.
func TestSendRightsWaitsForEarlierOutput(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		var conn *Conn
		in, rights := 0, 0
		addr := t.listen("unix", func(c *Conn) Handler {
			conn = c
			c.Pause()
			return &rightsHooks{hooks{data: func(_ *Conn, p []byte) { in += len(p) }}, func(c *Conn, fds []int) {
				rights += len(fds)
				for _, fd := range fds {
					t.k.Close(fd)
				}
			}}
		})
		drained := false
		c, err := r.Attach(t.connected(addr), nil, &hooks{drained: func(*Conn) { drained = true }})
		if err != nil {
			t.Fatal(err)
		}
		t.until(func() bool { return conn != nil })
		gift, e := t.k.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		t.must("socket", e)
		t.own(gift)
		large := bytes.Repeat([]byte("x"), 1<<20)
		c.Send(large)
		if err := c.SendRights([]byte("late"), gift); !errors.Is(err, ErrBuffered) {
			t.Errorf("behind %d bytes: %v", c.Buffered(), err)
		}
		t.still(10 * time.Millisecond)
		conn.Resume()
		t.until(func() bool { return drained && c.Buffered() == 0 })
		t.until(func() bool { return in == len(large) })
		if err := c.SendRights([]byte("late"), gift); err != nil {
			t.Fatal(err)
		}
		t.until(func() bool { return in == len(large)+4 })
		if rights != 1 {
			t.Errorf("%d descriptors", rights)
		}
		addr2 := t.listen("tcp", func(*Conn) Handler { return echo{} })
		tcp, err := r.Attach(t.connected(addr2), nil, &hooks{})
		if err != nil {
			t.Fatal(err)
		}
		if err := tcp.SendRights([]byte("x"), gift); !errors.Is(err, errNoRights) {
			t.Errorf("over TCP: %v", err)
		}
	})
}
