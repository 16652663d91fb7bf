//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// long is how long a test waits for what must come.
const long = 20 * time.Second

// The listener's side of the contract, in the spirit of nettest: deadlines past, future and moved
// while Accept waits, many Accepts at once, Close under them, file removed.
func TestListener(t *testing.T) {
	for _, network := range families() {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			l := listen(t, network).(interface {
				net.Listener
				SetDeadline(time.Time) error
			})
			deadlines(t, l.SetDeadline, func() error { return second(l.Accept()) })

			const n = 10
			accepted := make(chan error, n)
			for range n {
				go func() { accepted <- second(l.Accept()) }()
			}
			for range n {
				c, err := netconn.Dial(network, l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
			}
			for range n {
				if err := <-accepted; err != nil {
					t.Error(err)
				}
			}
			for range n {
				go func() { accepted <- second(l.Accept()) }()
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			for range n {
				if err := <-accepted; !errors.Is(err, net.ErrClosed) {
					t.Errorf("Accept under Close: %v", err)
				}
			}
			if network == "unix" {
				if _, err := os.Lstat(l.Addr().String()); !os.IsNotExist(err) {
					t.Errorf("its file is still there: %v", err)
				}
			}
		})
	}
}

// deadlines are kept by a call that nothing else ends: one in the past ends it at once, one to come
// not before, one that is moved does not count, one set meanwhile does.
func deadlines(t *testing.T, set func(time.Time) error, call func() error) {
	t.Helper()
	expires := func(what string) {
		t.Helper()
		if err := call(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(set(time.Unix(1, 0)))
	expires("past")
	at := time.Now().Add(30 * time.Millisecond)
	must(set(at))
	expires("future")
	if early := time.Until(at); early > 0 {
		t.Errorf("%v early", early)
	}
	last := time.Now().Add(20 * time.Millisecond)
	must(set(last))
	var moving sync.WaitGroup
	late := false      // a busy machine let it pass: then it was right to end
	moving.Go(func() { // keeps it alive for a while, as a busy peer's messages do
		for range 10 {
			time.Sleep(4 * time.Millisecond)
			old := last
			last = time.Now().Add(20 * time.Millisecond)
			must(set(last))
			if late = time.Now().After(old); late {
				return
			}
		}
	})
	expires("moved")
	ended := time.Now()
	moving.Wait()
	if early := last.Sub(ended); early > 0 && !late {
		t.Errorf("%v before the last deadline", early)
	}
	must(set(time.Time{}))
	time.AfterFunc(20*time.Millisecond, func() { set(time.Unix(1, 0)) })
	expires("set while it waits")
	must(set(time.Time{}))
}

// The datagram side: boundaries, truncation, deadlines both ways, racing readers and writers,
// Close.
func TestPacketConn(t *testing.T) {
	for _, network := range []string{"udp4", "udp6", "unixgram"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			a, b := packetConn(t, network), packetConn(t, network)
			deadlines(t, a.SetReadDeadline, func() error { _, _, err := a.ReadFrom(make([]byte, 1)); return err })
			a.SetWriteDeadline(time.Unix(1, 0))
			if _, err := a.WriteTo([]byte("x"), b.LocalAddr()); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("write past the deadline: %v", err)
			}
			a.SetWriteDeadline(time.Time{})

			for _, text := range []string{"one", "", "three"} {
				if n, err := a.WriteTo([]byte(text), b.LocalAddr()); n != len(text) || err != nil {
					t.Fatal(n, err)
				}
			}
			for _, want := range []string{"on", "", "th"} { // what does not fit is lost, and nothing else
				p := make([]byte, 2)
				n, from, err := b.ReadFrom(p)
				if string(p[:n]) != want || err != nil || from.String() != a.LocalAddr().String() || from.Network() != a.LocalAddr().Network() {
					t.Errorf("%q from %v, %v; want %q from %v", p[:n], from, err, want, a.LocalAddr())
				}
			}
			racingPackets(t, a, b)
			ended := make(chan error)
			go func() { _, _, err := b.ReadFrom(make([]byte, 1)); ended <- err }()
			time.Sleep(time.Millisecond) // not needed, but then it mostly sleeps
			b.Close()
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Errorf("ReadFrom under Close: %v", err)
			}
		})
	}
}

func packetConn(t *testing.T, network string) net.PacketConn {
	t.Helper()
	c, err := netconn.ListenPacket(network, free(t, network))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// racingPackets has several goroutines send and receive on the same two: each datagram comes whole,
// to one of them.
func racingPackets(t *testing.T, a, b net.PacketConn) {
	const n = 8
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if _, err := a.WriteTo(bytes.Repeat([]byte{byte(i)}, 100), b.LocalAddr()); err != nil {
				t.Error(err)
			}
		})
	}
	seen := make([]int, n)
	var mu sync.Mutex
	for range n {
		all.Go(func() {
			b.SetReadDeadline(time.Now().Add(long))
			p := make([]byte, 200)
			k, _, err := b.ReadFrom(p)
			if k != 100 || err != nil || !bytes.Equal(p[:k], bytes.Repeat(p[:1], 100)) {
				t.Errorf("%d bytes, %v", k, err)
				return
			}
			mu.Lock()
			seen[p[0]]++
			mu.Unlock()
		})
	}
	all.Wait()
	b.SetReadDeadline(time.Time{})
	for i, k := range seen {
		if k != 1 {
			t.Errorf("datagram %d came %d times", i, k)
		}
	}
}

// A dialled datagram socket is a net.Conn of that peer only.
func TestDialledPackets(t *testing.T) {
	for _, network := range []string{"udp", "udp6", "unixgram"} {
		t.Run(network, func(t *testing.T) {
			b := packetConn(t, network)
			c, err := netconn.Dial(network, b.LocalAddr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if fmt.Sprint(c.RemoteAddr()) != b.LocalAddr().String() {
				t.Errorf("RemoteAddr %v, want %v", c.RemoteAddr(), b.LocalAddr())
			}
			if _, err := c.Write([]byte("hi")); err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 10)
			n, from, err := b.ReadFrom(p)
			if string(p[:n]) != "hi" || err != nil {
				t.Fatal(n, err)
			}
			if network == "unixgram" { // it has no name: nobody can answer
				if from != nil {
					t.Errorf("from %v", from)
				}
				return
			}
			b.WriteTo([]byte("ho"), from)
			if n, err := c.Read(p); string(p[:n]) != "ho" || err != nil {
				t.Error(n, err)
			}
		})
	}
}

// A halfCloser is a stream of this package.
type halfCloser interface{ CloseWrite() error }

// Half-close: 8 MiB (2 with -short), the end, and all of it back.
func TestHalfClose(t *testing.T) {
	for _, network := range families() {
		t.Run(network, func(t *testing.T) {
			c, d, stop, err := pipe(t, network)()
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			sent := noise(longtest.Count(2, 8, 8) << 20)
			go func() {
				io.Copy(d, d)
				d.(halfCloser).CloseWrite()
			}()
			go func() {
				c.Write(sent)
				c.(halfCloser).CloseWrite()
			}()
			if back, err := io.ReadAll(c); err != nil || !bytes.Equal(back, sent) {
				t.Errorf("%d bytes back, %v", len(back), err)
			}
		})
	}
}

// noise is n bytes without a pattern that a shifted copy could hide in.
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

// random is the longest noise so far, and the generator's state.
var random = struct {
	sync.Mutex
	p []byte
	x uint64
}{x: 88172645463325252}

// copyCases are sources of ReadFrom; each sends the first half of the noise, or all of it.
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

func copied(t *testing.T, c net.Conn, r io.Reader, want int) {
	t.Helper()
	if n, err := c.(*netconn.Conn).ReadFrom(r); n != int64(want) || err != nil {
		t.Errorf("%d, %v; want %d", n, err, want)
	}
}

// source is a connection that all comes from.
func source(t *testing.T, network string, all []byte) net.Conn {
	c, d, stop, err := pipe(t, network)()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	go func() { c.Write(all); c.Close() }()
	return d
}

// A read and a write allocate nothing, with a deadline or without.
func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if !longtest.Measures(t) {
		return
	}
	c, d, stop, err := pipe(t, "tcp4")()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	go io.Copy(writerOnly{d}, d)
	p := make([]byte, 64)
	if n := testing.AllocsPerRun(200, func() {
		c.SetReadDeadline(time.Now().Add(long))
		c.Write(p)
		c.Read(p)
	}); n >= 1 {
		t.Errorf("%v allocations per round trip", n)
	}
}

type writerOnly struct{ io.Writer }

// unlinks notes what a Listener's Close does, in its order.
type unlinks struct {
	kernel.Kernel
	calls []string
}

func (k *unlinks) Unlink(path string) kernel.Errno {
	k.calls = append(k.calls, "unlink")
	return k.Kernel.Unlink(path)
}

func (k *unlinks) Close(fd int) kernel.Errno {
	k.calls = append(k.calls, "close")
	return k.Kernel.Close(fd)
}

// A Listener's file goes before nobody listens there any more, and once: afterwards it may be
// somebody else's.
func TestListenerUnlinksFirst(t *testing.T) {
	k := &unlinks{Kernel: kernel.Host}
	r, err := reactor.New(reactor.WithKernel(k))
	if err != nil {
		t.Fatal(err)
	}
	l, err := netconn.On(r).Listen("unix", free(t, "unix"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	l.Close()
	if !slices.Equal(k.calls, []string{"unlink", "close"}) {
		t.Error(k.calls)
	}
	r.Close()
	if err := r.Run(t.Context()); err != nil {
		t.Error(err)
	}
}
