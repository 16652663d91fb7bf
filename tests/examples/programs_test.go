//go:build unix

package examples

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// build builds the program of a folder of examples/, and returns its file. The program has the race
// detector if the test has it.
func build(t *testing.T, folder string) string {
	t.Helper()
	longtest.NeedsGo(t)
	file := filepath.Join(t.TempDir(), folder)
	args := []string{"build", "-ldflags=-s -w", "-o", file, "../../examples/" + folder}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = slices.Insert(args, 1, "-race")
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// lines starts a command. It returns the lines that the command writes to stderr. When the test
// ends, the command gets SIGTERM, or SIGKILL if kill is true.
func lines(t *testing.T, cmd *exec.Cmd, kill bool) *bufio.Reader {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if kill {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error("the end: ", err)
		}
	})
	return bufio.NewReader(stderr)
}

// The TCP server and the UDP server echo what they receive, on all loops and for many clients.
func TestEcho(t *testing.T) {
	if !longtest.Default(t, "builds a program and starts processes") {
		return
	}
	t.Parallel()
	file := build(t, "echo")
	for _, network := range []string{"tcp", "udp"} {
		cmd := exec.Command(file, "-port=0", "-loops=3", "-reuseport", "-udp="+fmt.Sprint(network == "udp"))
		line, err := lines(t, cmd, false).ReadString('\n')
		_, at, _ := strings.Cut(line, "echo server at ")
		at, _, found := strings.Cut(at, ", 3 loops")
		_, port, bad := net.SplitHostPort(at)
		if err != nil || !found || bad != nil {
			t.Fatalf("%q, %v", line, err)
		}
		for range 20 {
			c, err := net.Dial(network, "127.0.0.1:"+port)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(longtest.Guard))
			io.WriteString(c, "hello")
			p := make([]byte, 5)
			if _, err := io.ReadFull(c, p); err != nil || string(p) != "hello" {
				t.Errorf("%q, %v", p, err)
			}
			c.Close()
		}
	}
}

// ping gets answers from its own machine over IPv4, and over IPv6 if the machine has it. If the
// system permits neither kind of socket, the error names both kinds.
func TestPingOfThisMachine(t *testing.T) {
	if !longtest.Default(t, "builds a program and starts processes") {
		return
	}
	t.Parallel()
	file := build(t, "ping")
	for _, ip := range []string{"127.0.0.1", "::1"} {
		var out, failed strings.Builder
		cmd := exec.Command(file, "-c", "3", "-W", "10", ip)
		cmd.Stdout, cmd.Stderr = &out, &failed
		err := cmd.Run()
		says := func(errs ...syscall.Errno) (yes bool) {
			for _, e := range errs {
				yes = yes || strings.Contains(failed.String(), e.Error())
			}
			return yes
		}
		switch {
		case err == nil:
			if strings.Count(out.String(), "24 bytes from "+ip) != 3 {
				t.Error(out.String())
			}
		case says(syscall.EPERM, syscall.EACCES):
			if !strings.Contains(failed.String(), "datagram") || !strings.Contains(failed.String(), "raw") {
				t.Error(failed.String())
			}
		case ip == "::1" && says(syscall.EADDRNOTAVAIL, syscall.ENETUNREACH, syscall.EAFNOSUPPORT):
		default:
			t.Error(err, failed.String())
		}
	}
}
