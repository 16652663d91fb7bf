package hazard

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// In the row panics, one message makes the handler panic.
func panics(t *Target) (string, error) {
	other, err := t.dial()
	if err != nil {
		return "", err
	}
	defer other.Close()
	if err := ask(other, []byte("hello")); err != nil {
		return "", err
	}
	victim, err := t.dial()
	if err != nil {
		return "", err
	}
	defer victim.Close()
	if _, err := victim.Write([]byte("!")); err != nil {
		return "", err
	}
	victim.SetReadDeadline(time.Now().Add(time.Second))
	victim.Read(make([]byte, 1)) // until the connection is closed, or a timeout
	if ended, how := t.Ended(500 * time.Millisecond); ended {
		return "the process dies", how
	}
	by := t.Panics
	if by == "" {
		by = "itself"
	}
	figure := "others live: " + by
	if err := ask(other, []byte("still there?")); err != nil {
		return "others fail", err
	}
	return figure, t.alive()
}

// subtests are the subtests of nettest.TestConn.
var subtests = []string{"BasicIO", "PingPong", "RacyRead", "RacyWrite", "ReadTimeout", "WriteTimeout", "PastTimeout",
	"PresentTimeout", "FutureTimeout", "CloseTimeout", "ConcurrentMethods"}

// In the row conn, the library's net.Conn runs through the standard test. A subtest that hangs
// fails after a while.
func conn(t *Target) (string, error) {
	bin, err := filepath.Abs("bin/conns.test")
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "test", "-c", "-o", bin, "./conns").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	var failed []string
	for _, name := range subtests {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		out, err := exec.CommandContext(ctx, bin, "-test.v", "-test.timeout", "15s", "-test.run", "^"+t.Conn+"$/^"+name+"$").CombinedOutput()
		cancel()
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Conn+"/"+name) {
			failed = append(failed, name)
		}
	}
	figure := fmt.Sprintf("%d of %d", len(subtests)-len(failed), len(subtests))
	if len(failed) > 0 {
		return figure, fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return figure, nil
}
