//go:build unix

package examples

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// The Go program contains every line of the script as a comment, in the same order.
func TestMicroPythonTwinHasEveryLine(t *testing.T) {
	script, err := os.ReadFile("../../examples/micropython/lines.py")
	if err != nil {
		t.Fatal(err)
	}
	twin, err := os.ReadFile("../../examples/micropython/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var comments []string
	for line := range strings.Lines(string(twin)) {
		if c, ok := strings.CutPrefix(strings.TrimSpace(line), "// "); ok {
			comments = append(comments, c)
		}
	}
	for line := range strings.Lines(string(script)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || line == "import sys" || line == "import time" {
			continue
		}
		i := 0
		for i < len(comments) && comments[i] != line {
			i++
		}
		if i == len(comments) {
			t.Fatalf("not there, or not in its place: %s", line)
		}
		comments = comments[i+1:]
	}
}

// freePort returns a port that nobody uses.
func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// The Go program serves the test's clients. TestMicroPython runs the same clients with the script.
func TestMicroPythonTwin(t *testing.T) {
	if !longtest.Default(t, "builds a program, and waits for real time") {
		return
	}
	t.Parallel()
	port := freePort(t)
	lines(t, exec.Command(build(t, "micropython"), port), true)
	talk(t, port)
}

// The script serves the same clients as the Go program. It runs in a MicroPython.
func TestMicroPython(t *testing.T) {
	if !longtest.Only(t, "the script in a MicroPython") {
		return
	}
	python := os.Getenv("MICROPYTHON")
	if python == "" {
		var err error
		if python, err = exec.LookPath("micropython"); err != nil {
			t.Skip("no micropython here; MICROPYTHON can name one")
		}
	}
	port := freePort(t)
	cmd := exec.Command(python, "../../examples/micropython/lines.py", port)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	talk(t, port)
}

func dial(t *testing.T, port string) (net.Conn, *bufio.Reader) {
	t.Helper()
	var c net.Conn
	var err error
	for until := time.Now().Add(longtest.Guard); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if c, err = net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			t.Cleanup(func() { c.Close() })
			_ = c.SetDeadline(time.Now().Add(longtest.Guard))
			return c, bufio.NewReader(c)
		}
	}
	t.Fatal(err)
	return nil, nil
}

func talk(t *testing.T, port string) {
	a, fromA := dial(t, port)
	b, fromB := dial(t, port)
	stuck, fromStuck := dial(t, port)
	say := func(c net.Conn, r *bufio.Reader, text, want string) {
		t.Helper()
		fmt.Fprint(c, text)
		if got, err := r.ReadString('\n'); err != nil || got != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	}
	say(a, fromA, "hello\n", "HELLO\n")
	fmt.Fprint(b, "time\n")
	if got, err := fromB.ReadString('\n'); err != nil || !regexp.MustCompile(`^\d+ s\n$`).MatchString(got) {
		t.Fatalf("got %q, %v; want seconds", got, err)
	}
	fmt.Fprint(a, "one\ntwo\n") // the second line is already there; the poll reports it again
	say(a, fromA, "", "ONE\n")
	say(a, fromA, "", "TWO\n")

	// A line without an end is returned in pieces, so one client cannot fill the memory.
	long := strings.Repeat("x", 1000)
	fmt.Fprint(a, long)
	piece := make([]byte, len(long))
	if _, err := io.ReadFull(fromA, piece); err != nil || string(piece) != strings.ToUpper(long) {
		t.Fatalf("got %.20q, %v; want the first thousand bytes", piece, err)
	}
	say(a, fromA, "end\n", "END\n")

	// A client that does not end its line delays the others for two seconds, and is then dropped.
	fmt.Fprint(stuck, "unfini")
	if got, err := fromStuck.ReadString('\n'); got != "" || err != io.EOF {
		t.Errorf("%q, %v; want EOF", got, err)
	}
	say(b, fromB, "still here\n", "STILL HERE\n")

	// A line before the half-close is answered.
	fmt.Fprint(b, "last")
	_ = b.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(fromB); err != nil || string(got) != "LAST" {
		t.Errorf("%q, %v; want LAST", got, err)
	}
	say(a, fromA, "bye\n", "BYE\n")
	if _, err := fromA.ReadByte(); err != io.EOF {
		t.Error(err)
	}
}
