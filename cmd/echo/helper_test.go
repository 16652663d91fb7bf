//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bufio"
	"bytes"
	endian "encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// long is how long a test waits for an event that must come.
const long = longtest.Guard

// inEachStyle runs the test for each style of the server, because all styles keep the same
// promises. Each server is a process, so the tests run in parallel.
func inEachStyle(t *testing.T, f func(t *testing.T, style string)) {
	t.Parallel()
	for _, style := range []string{"callback", "task", "net"}[:longtest.Count(1, 3, 3)] {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			f(t, style)
		})
	}
}

// A server is a running echo process, and its output so far.
type server struct {
	t      *testing.T
	cmd    *exec.Cmd
	at     []string // host:port or path of each address
	try    []string // the commands that the server has printed
	exited chan int

	mu     sync.Mutex // guards the output:
	stdout []string
	stderr bytes.Buffer
}

var listening = regexp.MustCompile(`^listening on \w+://(.*), try: (.*)$`)

// serveAt starts the binary and waits until it listens at n addresses. On a slow machine a drain or
// a handshake may need longer than the program's default.
func serveAt(t *testing.T, n int, args ...string) *server {
	t.Helper()
	return serveCommand(t, n, exec.Command(binary, append([]string{"-drain", "1h", "-handshake", "1h"}, args...)...))
}

func serveCommand(t *testing.T, n int, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{t: t, cmd: cmd, exited: make(chan int, 1)}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{}, 1)
	var pipes sync.WaitGroup
	pipes.Go(func() { s.scan(stdout, n, ready) })
	pipes.Go(func() { _, _ = io.Copy(writer(s.log), stderr) })
	go func() {
		pipes.Wait()
		_ = s.cmd.Wait()
		s.exited <- s.cmd.ProcessState.ExitCode()
		close(s.exited)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		for range s.exited {
		}
		if t.Failed() {
			t.Logf("the server said\n%s", s.said())
		}
	})
	select {
	case <-ready:
	case code := <-s.exited:
		t.Fatalf("exit code %d: %s", code, s.said())
	case <-time.After(long):
		t.Fatal("it does not listen")
	}
	return s
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

func (s *server) log(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stderr.Write(p)
}

func (s *server) scan(r io.Reader, n int, ready chan<- struct{}) {
	for in := bufio.NewScanner(r); in.Scan(); {
		s.mu.Lock()
		s.stdout = append(s.stdout, in.Text())
		if m := listening.FindStringSubmatch(in.Text()); m != nil {
			s.at, s.try = append(s.at, m[1]), append(s.try, m[2])
			if len(s.at) == n {
				ready <- struct{}{}
			}
		}
		s.mu.Unlock()
	}
}

// said returns the output to stderr so far.
func (s *server) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stderr.String()
}

// printed returns the lines on stdout so far.
func (s *server) printed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.stdout...)
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the end of the process and checks its exit code.
func (s *server) ends(want int) {
	s.t.Helper()
	select {
	case code := <-s.exited:
		if code != want {
			s.t.Errorf("exit code %d, want %d; it said\n%s", code, want, s.said())
		}
	case <-time.After(long):
		s.t.Fatalf("it does not end; it said\n%s", s.said())
	}
}

// eventually waits until f holds.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for until := time.Now().Add(long); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within %v: %s", long, what)
		}
	}
}

// dial connects, with a deadline for the whole connection.
func dial(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(long))
	return c
}

// roundTrip sends the text and waits for its echo.
func roundTrip(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if err := echoed(c, text); err != nil {
		t.Fatal(err)
	}
}

// echoed sends the text and reads its echo.
func echoed(c net.Conn, text string) error {
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	return expect(c, text)
}

func wants(t *testing.T, r io.Reader, text string) {
	t.Helper()
	if err := expect(r, text); err != nil {
		t.Fatal(err)
	}
}

func expect(r io.Reader, text string) error {
	p := make([]byte, len(text))
	if n, err := io.ReadFull(r, p); err != nil || string(p) != text {
		return fmt.Errorf("got %q, %v; want %q", p[:n], err, text)
	}
	return nil
}

// noise returns n pseudo-random bytes without repetitions. So a test notices if bytes are lost or
// doubled.
func noise(n int) []byte {
	random.Lock()
	defer random.Unlock()
	random.p = slices.Grow(random.p, max(0, n+8-len(random.p)))
	for len(random.p) < n {
		random.x ^= random.x << 13
		random.x ^= random.x >> 7
		random.x ^= random.x << 17
		random.p = endian.LittleEndian.AppendUint64(random.p, random.x)
	}
	return bytes.Clone(random.p[:n])
}

// random contains the longest noise that was made so far, and the generator for more.
var random = struct {
	sync.Mutex
	p []byte
	x uint64
}{x: 88172645463325252}

// socketPath returns a path that is short enough for every system.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// tool skips the test if the program is missing. nc must be the one of OpenBSD, because no other
// has -N and -U.
func tool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("no %s here", name)
	}
	if name == "nc" {
		out, _ := exec.Command("nc", "-h").CombinedOutput()
		if !strings.Contains(string(out), "OpenBSD") {
			t.Skip("this nc is not OpenBSD's")
		}
	}
}
