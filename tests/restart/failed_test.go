//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package restart

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// A new process that ends without Ready, one that never comes to it, and one that cannot be started: Restart tells, the
// old server serves on, its listeners still do not block, and it removes its Unix socket's file at the end as it would
// have.
func TestFailedRestartChangesNothing(t *testing.T) {
	path := socketPath(t)
	g, err := reactor.NewGroup(2)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := g.Listen("tcp", "127.0.0.1:0", echo{}.accept)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Listen("unix", path, echo{}.accept); err != nil {
		t.Fatal(err)
	}
	go g.Run(context.Background())
	for _, c := range []struct{ command, says string }{
		{"false", "without Ready: exit status 1"},
		{"true", "without Ready"},
		{"sleep 100", "deadline exceeded"},
		{"/nowhere/at/all", "no such file"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if strings.HasPrefix(c.command, "sleep") {
			ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
		}
		words := strings.Fields(c.command)
		err := g.Restart(ctx, exec.Command(words[0], words[1:]...))
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.command, err, c.says)
		}
		for _, a := range []net.Addr{tcp.Addr(), &net.UnixAddr{Name: path, Net: "unix"}} {
			for range 4 {
				conn, err := net.Dial(a.Network(), a.String())
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				if err := exchange(conn, []byte("still here"), make([]byte, 10)); err != nil {
					t.Error(err)
				}
				conn.Close()
			}
		}
	}
	if err := g.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file: %v", err)
	}
	if err := g.Restart(context.Background(), exec.Command("true")); !errors.Is(err, reactor.ErrClosed) {
		t.Errorf("Restart after the end: %v", err)
	}
}

// What the environment says and cannot be is an error; what is for another process is not for this one.
func TestInheritEnvironment(t *testing.T) {
	for _, c := range []struct{ pid, fds, ready, says string }{
		{"", "", "", ""},
		{"1", "5", "", ""},
		{"", "-1", "", "must be 0"},
		{"", "many", "", "must be 0"},
		{"", "5000", "", "must be 0"},
		{"", "0", "2", "no open descriptor"},
		{"", "0", "9999", "no open descriptor"},
	} {
		t.Setenv("LISTEN_PID", c.pid)
		t.Setenv("LISTEN_FDS", c.fds)
		t.Setenv("UREACTOR_READY_FD", c.ready)
		in, err := reactor.Inherit()
		if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%v: %v", c, err)
		}
		if c.says == "" && err != nil {
			t.Errorf("%v: %v", c, err)
		}
		if _, set := os.LookupEnv("LISTEN_FDS"); set {
			t.Errorf("%v: LISTEN_FDS is left for the children", c)
		}
		if in != nil {
			if n, err := in.Ready(); n != 0 || err != nil {
				t.Errorf("Ready: %d, %v", n, err)
			}
		}
	}
}

// A grandchild outlives the new process, and holds all that it was given: Restart tells of the end of the one that it has
// started. A grandchild holds the output of one that never comes to Ready: Restart ends with its context. (The grandchild is a
// cat, which lives until the test ends.)
func TestRestartIsNotHeldByGrandchildren(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Listen("tcp", "127.0.0.1:0", echo{}.accept); err != nil {
		t.Fatal(err)
	}
	go r.Run(context.Background())
	defer r.Shutdown(context.Background())
	for _, c := range []struct {
		script, says string
		limit        time.Duration
	}{
		{"exec 9<&0; cat <&9 & exit 3", "exit status 3", time.Minute},
		{"cat; :", "deadline exceeded", 100 * time.Millisecond},
	} {
		stdin, hold, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", c.script)
		cmd.Stdin, cmd.Stdout = stdin, &strings.Builder{}
		ctx, cancel := context.WithTimeout(context.Background(), c.limit)
		if err := r.Restart(ctx, cmd); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.script, err, c.says)
		}
		cancel()
		hold.Close() // the grandchild ends
		stdin.Close()
	}
}
