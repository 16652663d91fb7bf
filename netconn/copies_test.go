//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
)

// noise returns n bytes without a pattern, so that a test notices a shifted copy.
func noise(n int) []byte {
	random.Lock()
	defer random.Unlock()
	random.p = slices.Grow(random.p, max(0, n+8-len(random.p)))
	for len(random.p) < n {
		random.x ^= random.x << 13
		random.x ^= random.x >> 7
		random.x ^= random.x << 17
		random.p = binary.LittleEndian.AppendUint64(random.p, random.x)
	}
	return bytes.Clone(random.p[:n])
}

// random contains the longest noise that was made so far, and the generator for more.
var random = struct {
	sync.Mutex
	p []byte
	x uint64
}{x: 88172645463325252}

// ReadFrom and io.Copy move all bytes from every kind of source. Some of the sources hold the whole
// text of the test, and the others only its first half.
func TestCopies(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	const size = 3<<20 + 17
	all := noise(size)
	name := t.TempDir() + "/noise"
	if err := os.WriteFile(name, all, 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() *os.File {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	for what, send := range map[string]func(t *testing.T, c net.Conn) []byte{
		"file": func(t *testing.T, c net.Conn) []byte { copied(t, c, open(), size); return all },
		"part of a file": func(t *testing.T, c net.Conn) []byte {
			f := open()
			f.Seek(5, io.SeekStart)
			l := &io.LimitedReader{R: f, N: size / 2}
			copied(t, c, l, size/2)
			if at, _ := f.Seek(0, io.SeekCurrent); at != 5+size/2 || l.N != 0 {
				t.Errorf("the file stands at %d, the limit at %d", at, l.N)
			}
			return all[5 : 5+size/2]
		},
		"pipe": func(t *testing.T, c net.Conn) []byte {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			go func() { w.Write(all); w.Close() }()
			copied(t, c, r, size)
			r.Close()
			return all
		},
		"memory": func(t *testing.T, c net.Conn) []byte { copied(t, c, bytes.NewReader(all), size); return all },
		"connection": func(t *testing.T, c net.Conn) []byte {
			from := source(t, "unix", all)
			copied(t, c, from, size)
			return all
		},
		"connection, WriteTo": func(t *testing.T, c net.Conn) []byte {
			from := source(t, "tcp4", all)
			if n, err := from.(*netconn.Conn).WriteTo(c); n != size || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			return all
		},
		"part of a connection": func(t *testing.T, c net.Conn) []byte {
			copied(t, c, io.LimitReader(source(t, "unix", all), size/3), size/3)
			return all[:size/3]
		},
		"buffers": func(t *testing.T, c net.Conn) []byte {
			var v net.Buffers
			for p := all; len(p) > 0; {
				n := min(len(p), 10007)
				v = append(v, p[:n], nil)
				p = p[n:]
			}
			if n, err := c.(*netconn.Conn).ReadFrom(&v); n != size || err != nil || len(v) != 0 {
				t.Errorf("%d, %v, %d left", n, err, len(v))
			}
			return all
		},
	} {
		t.Run(what, func(t *testing.T) {
			c, d, stop, err := pipe(t, "tcp4")()
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			got := make(chan []byte)
			go func() { p, _ := io.ReadAll(d); got <- p }()
			want := send(t, c)
			c.Close()
			if p := <-got; !bytes.Equal(p, want) {
				t.Errorf("%d bytes came, want %d, or they differ", len(p), len(want))
			}
		})
	}
}

// A sendOnly is a file that the kernel must send. Its Read fails the test.
type sendOnly struct {
	*os.File
	t *testing.T
}

func (f sendOnly) Read(p []byte) (int, error) {
	f.t.Error("the file is read, and not sent by the kernel")
	return f.File.Read(p)
}

// On Linux the kernel sends a regular file, or a part of the file. The file is not read.
func TestFilesAreSentByTheKernel(t *testing.T) {
	if runtime.GOOS != "linux" {
		return
	}
	name := t.TempDir() + "/noise"
	must(t, os.WriteFile(name, noise(1000), 0o600))
	for _, part := range []bool{false, true} {
		f, err := os.Open(name)
		must(t, err)
		defer f.Close()
		c, peer := connected(t)
		from, want := io.Reader(sendOnly{f, t}), 1000
		if part {
			from, want = &io.LimitedReader{R: from, N: 500}, 500
		}
		copied(t, c, from, want)
		if n, err := io.ReadFull(peer, make([]byte, want)); err != nil {
			t.Error(n, err)
		}
	}
}

func copied(t *testing.T, c net.Conn, r io.Reader, want int) {
	t.Helper()
	if n, err := c.(*netconn.Conn).ReadFrom(r); n != int64(want) || err != nil {
		t.Errorf("%d, %v; want %d", n, err, want)
	}
}

// source returns a connection whose peer sends all.
func source(t *testing.T, network string, all []byte) net.Conn {
	c, d, stop, err := pipe(t, network)()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	go func() { c.Write(all); c.Close() }()
	return d
}

type writerOnly struct{ io.Writer }
