//go:build unix

package reactor

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fileOf returns a file of n bytes with a pattern that does not repeat, and these bytes.
func fileOf(t testing.TB, n int) (f *os.File, data []byte) {
	t.Helper()
	data = make([]byte, n)
	for i := range data {
		data[i] = byte(i ^ i>>8 ^ i>>16)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, data
}

// closedFile reports whether f is closed.
func closedFile(f *os.File) bool {
	_, err := f.Stat()
	return errors.Is(err, os.ErrClosed)
}

// Files, parts of files and bytes arrive in the order in which they were sent, with sendfile and
// without. Then Drained is called, and the files are closed.
func TestSendFileKeepsTheOrder(t *testing.T) {
	twice(t, func(t *lab) {
		f, data := fileOf(t, 1_000_000)
		g, small := fileOf(t, 10)
		drained, sent := 0, false
		large := bytes.Repeat([]byte("large"), 2000)
		h := &hooks{opened: func(c *Conn) {
			for _, err := range []error{c.Send([]byte("head")), c.SendFile(f, 100, 900_000), c.Send([]byte("between")), c.SendFile(g, 0, 10),
				c.Send(large), c.SendV([]byte("the"), []byte("end")), c.Close()} {
				if err != nil {
					t.Error(err)
				}
			}
			sent = true
		}, drained: func(c *Conn) { drained++ }}
		peer := t.dial(t.listen("tcp", always(h)))
		want := append([]byte("head"), data[100:900_100]...)
		want = append(append(append(append(want, "between"...), small...), large...), "theend"...)
		peer.wantAll(want)
		if !sent || !closedFile(f) || !closedFile(g) {
			t.Errorf("sent %v, closed %v and %v", sent, closedFile(f), closedFile(g))
		}
	})
}

// A file costs no memory if the peer does not read it. Buffered counts the bytes of the file, which
// throttle the Conn. An aborted Conn closes the file.
func TestSendFileThrottles(t *testing.T) {
	twice(t, func(t *lab) {
		f, _ := fileOf(t, 8_000_000)
		var c *Conn
		drained := 0
		peer := t.dial(t.listen("tcp", func(n *Conn) Handler {
			c = n
			return &hooks{drained: func(*Conn) { drained++ }}
		}))
		t.until(func() bool { return c != nil })
		if err := c.SendFile(f, 0, 8_000_000); err != nil {
			t.Fatal(err)
		}
		if n := c.Buffered(); n != 8_000_000 || !c.is(throttled) {
			t.Errorf("%d bytes are buffered, throttled %v", n, c.is(throttled))
		}
		if err := c.Send([]byte("x")); !isBuffered(err) {
			t.Errorf("a Send behind it: %v", err)
		}
		total := 0
		for room := make([]byte, 1<<16); total < 8_000_000; {
			n, _ := peer.recv(room)
			total += n
		}
		t.until(func() bool { return drained == 1 && c.Buffered() == 0 })
		if !closedFile(f) {
			t.Error("the file is open")
		}
		f, _ = fileOf(t, 8_000_000)
		if err := c.SendFile(f, 0, 8_000_000); err != nil {
			t.Fatal(err)
		}
		c.Abort()
		if !closedFile(f) {
			t.Error("after Abort the file is open")
		}
	})
}

// If the file turns out to be shorter, the Conn is aborted. Otherwise the peer would read later
// bytes as a part of the file.
func TestSendFileOfAFileThatShrinks(t *testing.T) {
	twice(t, func(t *lab) {
		f, _ := fileOf(t, 1000)
		var end error
		h := &hooks{opened: func(c *Conn) {
			if err := c.SendFile(f, 0, 1000); err != nil {
				t.Error(err)
			}
			if err := os.Truncate(f.Name(), 500); err != nil {
				t.Error(err)
			}
		}, closed: func(_ *Conn, err error) { end = err }}
		peer := t.dial(t.listen("tcp", always(h)))
		t.until(func() bool { return end != nil })
		if !errors.Is(end, io.ErrUnexpectedEOF) || !closedFile(f) {
			t.Errorf("Closed(%v), file closed %v", end, closedFile(f))
		}
		peer.close()
	})
}

// SendFile returns an error for a range outside of the file, for a file that is not regular, and on
// a Conn with a Filter. Then the file still belongs to the caller.
func TestSendFileRefusals(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	t.Cleanup(func() { unix.Close(b) })
	c := adoptFD(t, r, a, &hooks{})
	f, _ := fileOf(t, 100)
	for _, bad := range [][2]int64{{-1, 1}, {0, -1}, {0, 101}, {101, 0}, {1, 1<<63 - 1}, {1<<63 - 1, 1}} {
		if err := c.SendFile(f, bad[0], bad[1]); err == nil || !strings.Contains(err.Error(), "must be within its size, 100") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := c.SendFile(dir, 0, 0); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Error(err)
	}
	if closedFile(f) || closedFile(dir) {
		t.Error("a refused file was closed")
	}
	a, d := pair(t)
	t.Cleanup(func() { unix.Close(d) })
	filtered := adoptFD(t, r, a, &hooks{}, WithFilters(func(bool) (func(*Wire) Filter, error) { return newXor, nil }))
	if err := filtered.SendFile(f, 0, 1); err != errFileFiltered {
		t.Error(err)
	}
	if err := c.SendFile(f, 100, 0); err != nil || !closedFile(f) || c.Buffered() != 0 {
		t.Errorf("nothing of a file: %v, closed %v", err, closedFile(f))
	}
	defer func() {
		if v, _ := recover().(string); v != "reactor: SendFile of a nil file" {
			t.Errorf("panic %q", v)
		}
	}()
	_ = c.SendFile(nil, 0, 0)
}

// A Conn that sends a file cannot be detached.
func TestDetachWhileAFileIsSent(t *testing.T) {
	r := manual(t)
	a, b := pair(t)
	t.Cleanup(func() { unix.Close(b) })
	c := adoptFD(t, r, a, &hooks{})
	f, _ := fileOf(t, 4_000_000)
	if err := c.SendFile(f, 0, 4_000_000); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Detach(); err != errOwesFile {
		t.Error(err)
	}
}
