//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// An address that cannot be opened causes one error line, and the addresses that were already
// opened are closed.
func TestBadAddress(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer tcp.Close()
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer udp.Close()
		stale, ours := socketPath(t), socketPath(t)
		unix, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale})
		if err != nil {
			t.Fatal(err)
		}
		unix.SetUnlinkOnClose(false)
		unix.Close()
		for _, c := range []struct{ addr, says string }{
			{"tcp://" + tcp.Addr().String(), "address already in use"},
			{"udp://" + udp.LocalAddr().String(), "address already in use"},
			{"unix://" + stale, "remove the file"},
			{"unix:///nowhere/at/all", "/nowhere/at/all: bind: no such file"},
			{"unix:///" + strings.Repeat("long", 60), "name too long"},
			{"tcp://127.0.0.1", "missing port"},
			{"tcp://127.0.0.1:65536", "65536: "},
			{"tcp://127.0.0.1:-1", "127.0.0.1:-1"},
			{"tcp6://127.0.0.1:0", "127.0.0.1 is not for tcp6"},
			{"udp4://[::1]:0", "::1 is not for udp4"},
			{"tcp://192.0.2.1:0", "192.0.2.1:0: bind:"},
			{"tcp://[::1:7777", "missing ']'"},
		} {
			t.Run(c.addr, func(t *testing.T) {
				line := refused(t, "-style", style, "-log", "debug", "unix://"+ours, c.addr)
				if !strings.Contains(line, c.says) {
					t.Errorf("%q does not say %q", line, c.says)
				}
				if _, err := os.Lstat(ours); !os.IsNotExist(err) {
					t.Errorf("the first address's file is still there: %v", err)
				}
			})
		}
	})
}

// The default address is the one in the README. While the test itself listens there, the server is
// refused, and its error names the address. So two runs of this test can take turns.
func TestDefaultAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:7777")
	for try := 0; err != nil && try < 100; try++ { // another run of this test is soon over
		time.Sleep(50 * time.Millisecond)
		l, err = net.Listen("tcp", "127.0.0.1:7777")
	}
	if err == nil { // otherwise another program listens there
		defer l.Close()
	}
	if line := refused(t); !strings.Contains(line, "127.0.0.1:7777") {
		t.Error(line)
	}
}

// While -max-conns connections are open, the kernel accepts the next one, and it waits there. The
// server serves it when another connection has ended.
func TestMaxConns(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 1, "-style", style, "-max-conns", "2", "tcp://127.0.0.1:0")
		a, b := dial(t, "tcp", s.at[0]), dial(t, "tcp", s.at[0])
		roundTrip(t, a, "a")
		roundTrip(t, b, "b")
		taken := s.descriptors()
		c := dial(t, "tcp", s.at[0])
		if _, err := io.WriteString(c, "c"); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := c.Read(make([]byte, 1)); n != 0 || !os.IsTimeout(err) {
			t.Fatalf("the third is served: %d bytes, %v", n, err)
		}
		if n := s.descriptors(); n != taken {
			t.Errorf("the third has a descriptor: %d, %d before", n, taken)
		}
		a.Close()
		_ = c.SetReadDeadline(time.Now().Add(long))
		wants(t, c, "c")
		s.signal(syscall.SIGTERM) // while the server is full
		s.ends(0)
	})
}

// descriptors returns how many descriptors the server has open, or 0 if the system does not report
// it.
func (s *server) descriptors() int {
	list, _ := os.ReadDir("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/fd")
	return len(list)
}

// A server with descriptors for about a dozen connections has three dozen clients. It serves a
// dozen of them and tries to accept ten times a second. When clients leave, it serves the others.
func TestOutOfDescriptors(t *testing.T) {
	if !longtest.Default(t, "waits for real time") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		start := time.Now()
		cmd := exec.Command("sh", "-c", `ulimit -n 20; exec "$0" "$@"`, binary, "-style", style, "tcp://127.0.0.1:0")
		s := serveCommand(t, 1, cmd)
		var conns []net.Conn
		for range 36 {
			conns = append(conns, dial(t, "tcp", s.at[0]))
		}
		roundTrip(t, conns[0], "I was first")
		eventually(t, "no descriptors", func() bool { return strings.Contains(s.said(), "accept failed") })
		for i, c := range conns {
			roundTrip(t, c, strconv.Itoa(i))
			c.Close()
		}
		took := time.Since(start)
		if n := strings.Count(s.said(), "accept failed"); n > 36+int(took/(100*time.Millisecond)) {
			t.Errorf("it says so %d times in %v", n, took)
		}
		s.signal(syscall.SIGTERM)
		s.ends(0)
	})
}

// SIGTERM arrives while no descriptor is free. The deadline of the drain is the first timer of the
// process, and for a timer the Go runtime itself would need descriptors.
func TestSignalWithoutDescriptors(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		cmd := exec.Command("sh", "-c", `ulimit -n 20; exec "$0" "$@"`, binary, "-style", style, "tcp://127.0.0.1:0")
		s := serveCommand(t, 1, cmd)
		for range 36 {
			dial(t, "tcp", s.at[0])
		}
		eventually(t, "no descriptors", func() bool { return strings.Contains(s.said(), "accept failed") })
		s.signal(syscall.SIGTERM)
		s.ends(0)
	})
}

// A connection that is idle for too long is closed in order, and a debug line reports this. A
// connection that sends stays open. But on a slow machine every connection may be idle for too
// long. So its close is an error only if the idle time had not passed.
func TestIdle(t *testing.T) {
	if !longtest.Default(t, "waits for real time") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		const idle = 200 * time.Millisecond
		s := serveAt(t, 1, "-style", style, "-idle", idle.String(), "-log", "debug", "tcp://127.0.0.1:0")
		// exchange sends the text on c, which was dialled or served at `last`. If c was idle for too
		// long, exchange uses a new connection. It returns when the echo began.
		exchange := func(c net.Conn, last time.Time, text string) (net.Conn, time.Time) {
			for {
				began := time.Now()
				err := echoed(c, text)
				if err == nil {
					return c, began
				}
				if gone := time.Since(last); gone < idle {
					t.Fatalf("cut off %v after it was served: %v", gone, err)
				}
				last = time.Now()
				c = dial(t, "tcp", s.at[0])
			}
		}
		start := time.Now()
		quiet, talks := dial(t, "tcp", s.at[0]), dial(t, "tcp", s.at[0])
		last := start
		quiet, start = exchange(quiet, start, "hello")
		ended := make(chan error, 1)
		go func() {
			_, err := quiet.Read(make([]byte, 1))
			ended <- err
		}()
		for done := false; !done; {
			select {
			case err := <-ended:
				if took := time.Since(start); err != io.EOF || took < idle {
					t.Fatalf("ended after %v with %v; want EOF after %v", took, err, idle)
				}
				done = true
			case <-time.After(idle / 8):
				talks, last = exchange(talks, last, "still here")
			}
		}
		exchange(talks, last, "and I am served")
		eventually(t, "it logs the one that was quiet", func() bool { return strings.Contains(s.said(), "closing a quiet connection") })
	})
}

// The figures count two connections, their messages and bytes, and no turns when nothing happens
// any more.
func TestStatsLines(t *testing.T) {
	if !longtest.Default(t, "waits for real time") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 2, "-style", style, "-stats", "50ms", "tcp://127.0.0.1:0", "udp://127.0.0.1:0")
		line := regexp.MustCompile(`^conns (\d+), msgs/s (\d+), MiB/s (\d+\.\d\d), loop turns/s (\d+)$`)
		// last returns the newest figures.
		last := func() (f [4]float64) {
			lines := s.printed()
			m := line.FindStringSubmatch(lines[len(lines)-1])
			if m == nil {
				if len(lines) > 2 {
					t.Errorf("not figures: %s", lines[len(lines)-1])
				}
				return [4]float64{-1, -1, -1, -1}
			}
			for i := range f {
				f[i], _ = strconv.ParseFloat(m[i+1], 64)
			}
			return f
		}
		a, b := dial(t, "tcp", s.at[0]), dial(t, "tcp", s.at[0])
		u := dial(t, "udp", s.at[1])
		text := strings.Repeat("x", 8000)
		eventually(t, "2 conns with traffic", func() bool {
			roundTrip(t, a, text)
			roundTrip(t, b, text)
			f := last()
			return f[0] == 2 && f[1] > 0 && f[2] > 0 && (f[3] > 0 || style == "net")
		})
		eventually(t, "no turns while all is quiet", func() bool { return last() == [4]float64{2, 0, 0, 0} })
		eventually(t, "datagrams count", func() bool {
			roundTrip(t, u, text)
			f := last()
			return f[1] > 0 && f[2] > 0
		})
		a.Close()
		b.Close()
		eventually(t, "all have left", func() bool { return last() == [4]float64{} })
	})
}

// Four loops serve every kind of address. The figures are the sums of all loops, and the drain
// covers all of them.
func TestLoops(t *testing.T) {
	if !longtest.Default(t, "waits for real time") {
		return
	}
	t.Parallel()
	path := socketPath(t)
	s := serveAt(t, 3, "-loops", "4", "-stats", "100ms", "tcp://127.0.0.1:0", "udp://127.0.0.1:0", "unix://"+path)
	for i := range 60 {
		network := []string{"tcp", "udp", "unix"}[i%3]
		roundTrip(t, dial(t, network, s.at[i%3]), strconv.Itoa(i))
	}
	eventually(t, "figures of 40 connections", func() bool {
		lines := s.printed()
		return strings.HasPrefix(lines[len(lines)-1], "conns 40, ")
	})
	s.signal(syscall.SIGTERM)
	s.ends(0)
}
