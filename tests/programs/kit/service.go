package kit

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Program returns the path of a program from a Debian package. If the program is missing, the test
// is skipped.
func Program(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s here: it is in Debian's package %s", name, debian)
	}
	return path
}

// Service starts a server and waits until it accepts connections at addr. The server ends with the
// test.
func Service(t *testing.T, c *exec.Cmd, addr string) {
	t.Helper()
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGINT) // for PostgreSQL this means a fast shutdown
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = c.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s:\n%s", c.Path, &log)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := reachable(ctx, addr, ended); err != nil {
		t.Fatalf("%s does not serve %s: %v\n%s", c.Path, addr, err, &log)
	}
}

func reachable(ctx context.Context, addr string, ended chan error) error {
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case err := <-ended:
			ended <- err
			return fmt.Errorf("it has ended: %v", err)
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// FreePort returns a loopback address with a port that is not in use.
func FreePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
