//go:build linux

package inspect_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

var build = sync.OnceValues(func() ([]byte, error) {
	return exec.Command("go", "build", "-o", folder, "../cmd/echo", "../examples/websocket").CombinedOutput()
})

// folder contains the programs cmd/echo and examples/websocket. They run as separate processes,
// because 10,000 connections need 10,000 descriptors on either side.
var folder string

// program returns the path of a program.
func program(t *testing.T, name string) string {
	t.Helper()
	longtest.NeedsGo(t)
	if out, err := build(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return filepath.Join(folder, name)
}

// start runs cmd/echo with at most `files` descriptors, or with as many as this process if files is
// 0. It returns the address of the server and the address of its pages.
func start(t *testing.T, files int, args ...string) (at, pages string) {
	t.Helper()
	limit := ""
	if files > 0 {
		limit = fmt.Sprintf("ulimit -n %d; ", files)
	}
	args = append([]string{"-c", limit + `exec "$0" "$@"`, program(t, "echo"), "-inspect", "127.0.0.1:0"}, args...)
	cmd := exec.Command("sh", append(args, "tcp://127.0.0.1:0")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	in := bufio.NewScanner(out)
	for in.Scan() && pages == "" {
		if s, ok := strings.CutPrefix(in.Text(), "listening on tcp://"); ok {
			at, _, _ = strings.Cut(s, ",")
		}
		pages, _ = strings.CutPrefix(in.Text(), "inspect at ")
		if pages == in.Text() {
			pages = ""
		}
		if pages != "" {
			break
		}
	}
	if at == "" || pages == "" {
		t.Fatalf("it listens at %q, with pages at %q", at, pages)
	}
	go io.Copy(io.Discard, out)
	return at, pages
}

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "inspect"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// dial connects, and exchanges n bytes with the echo.
func dial(t *testing.T, to string, n int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	roundTrip(t, c, n)
	return c
}

func roundTrip(t *testing.T, c net.Conn, n int) {
	t.Helper()
	p := make([]byte, n)
	_ = c.SetDeadline(time.Now().Add(wait))
	if _, err := c.Write(p); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, p); err != nil {
		t.Fatal(err)
	}
}
