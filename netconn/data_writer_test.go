//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// In a task, WriteTo works with a writer that waits before it reads its argument. Other tasks
// receive during this wait.
func TestWriteToOfATaskToAWriterThatWaits(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	h.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			t.Error(err)
			return
		}
		n := netconn.On(r)
		got := [3]bytes.Buffer{}
		open := len(got)
		r.Go(func(task *reactor.Task) {
			l, err := n.Listen("tcp", ":7")
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			for i := range got {
				text := fmt.Sprintf("what number %d has sent", i)
				task.Go(func(task *reactor.Task) {
					c, err := n.Dial("tcp", "10.0.0.1:7")
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					fmt.Fprint(c, text)
				})
				c, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				task.Go(func(task *reactor.Task) {
					_, err := c.(*netconn.Conn).WriteTo(late{task, &got[i]})
					if err != nil || got[i].String() != text {
						t.Errorf("%q, %v", &got[i], err)
					}
					c.Close()
					if open--; open == 0 {
						r.Close()
					}
				})
			}
		})
		r.Run(context.Background())
	})
	if err := w.RunUntilDone(time.Hour); err != nil {
		t.Error(err)
	}
}

// late waits before it writes.
type late struct {
	t *reactor.Task
	w io.Writer
}

func (l late) Write(p []byte) (int, error) {
	if err := l.t.Sleep(time.Second); err != nil {
		return 0, err
	}
	return l.w.Write(p)
}

// WriteTo returns the error of its writer, as io.Copy does.
func TestWriteToTellsOfItsWriter(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		w    func(p []byte) (int, error)
		n    int64
		want error
	}{
		{func(p []byte) (int, error) { return 2, broken }, 2, broken},
		{func(p []byte) (int, error) { return 2, nil }, 2, io.ErrShortWrite},
		{func(p []byte) (int, error) { return len(p), nil }, 5, nil},
		{func(p []byte) (int, error) { return -1, nil }, 0, nil},
	} {
		a, b, stop, err := pipe(t, "tcp4")()
		if err != nil {
			t.Fatal(err)
		}
		a.Write([]byte("hello"))
		a.(*netconn.Conn).CloseWrite()
		n, err := b.(*netconn.Conn).WriteTo(writes(c.w))
		if n != c.n || c.want != nil && !errors.Is(err, c.want) || n == 0 && err == nil {
			t.Errorf("%d, %v; want %d, %v", n, err, c.n, c.want)
		}
		stop()
	}
}

type writes func(p []byte) (int, error)

func (w writes) Write(p []byte) (int, error) { return w(p) }
