//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package groups

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// Restart fails in three ways: the new process ends without Ready, never calls Ready, or cannot be
// started. Each time Restart returns an error, and the old server continues. Its listeners still do
// not block, and at its end it removes its Unix socket's file.
func TestFailedRestartChangesNothing(t *testing.T) {
	if !longtest.Default(t, "starts processes") {
		return
	}
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
		ctx, cancel := context.WithTimeout(context.Background(), longtest.Guard)
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
				_ = conn.SetDeadline(time.Now().Add(longtest.Guard))
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

// Inherit returns an error if the environment is impossible. It ignores variables that are meant
// for another process.
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

// Restart does not wait for a grandchild. In the first case a grandchild outlives the new process
// and holds all its descriptors: Restart reports the end of the new process. In the second case a
// grandchild holds the output of a process that never calls Ready: Restart ends with its context.
// (The grandchild is a cat that runs until the test ends.)
func TestRestartIsNotHeldByGrandchildren(t *testing.T) {
	if !longtest.Default(t, "processes that are started") {
		return
	}
	t.Parallel()
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
		hold.Close() // this ends the grandchild
		stdin.Close()
	}
}

// Two Restarts run at the same time, and one of them fails. The process of the other one serves at
// the Unix socket, so the socket's file stays. Then another Restart fails after its listener was
// closed. Now no process serves at the socket, so the file is removed.
func TestSocketFileAroundFailedRestarts(t *testing.T) {
	for _, meanwhile := range []string{"Restart", "Close", "Shutdown"} {
		t.Run(meanwhile, func(t *testing.T) {
			path := socketPath(t)
			r, err := reactor.New()
			if err != nil {
				t.Fatal(err)
			}
			l, err := r.Listen("unix", path, echo{}.accept)
			if err != nil {
				t.Fatal(err)
			}
			go r.Run(context.Background())
			failing, end := held(t)
			failed, served := make(chan error, 1), make(chan error, 1)
			go func() { failed <- r.Restart(context.Background(), failing) }()
			end(func() {
				switch meanwhile {
				case "Restart":
					cmd := exec.Command("sh", "-c", "printf r >&$UREACTOR_READY_FD; cat")
					stdin, err := cmd.StdinPipe()
					if err != nil {
						t.Error(err)
					}
					t.Cleanup(func() { _, _ = stdin.Close(), cmd.Wait() })
					go func() { served <- r.Restart(context.Background(), cmd) }()
				case "Close":
					served <- r.Post(func() { _ = l.Close() })
				case "Shutdown":
					served <- r.Shutdown(context.Background())
				}
			})
			if err := <-failed; err == nil {
				t.Error("the process has ended, and Restart says nothing")
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
			if err := r.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(path); (err == nil) != (meanwhile == "Restart") {
				t.Errorf("the socket's file: %v", err)
			}
		})
	}
}

// held starts a command that runs until end is called. end calls its argument while the command
// still runs. The command fails at its end.
func held(t *testing.T) (cmd *exec.Cmd, end func(meanwhile func())) {
	t.Helper()
	stdin, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	says, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command("sh", "-c", "echo; cat; exit 3")
	cmd.Stdin, cmd.Stdout = stdin, stdout
	t.Cleanup(func() {
		for _, f := range []*os.File{stdin, stdout, says} {
			f.Close()
		}
	})
	says.SetDeadline(time.Now().Add(longtest.Guard))
	return cmd, func(meanwhile func()) {
		if _, err := says.Read(make([]byte, 1)); err != nil { // the command runs
			t.Error(err)
		}
		meanwhile()
		hold.Close()
	}
}

// One loop of a Group has failed, by Goexit in a callback. Restart still passes the sockets of the
// other loops.
func TestRestartOfAGroupWithAFailedLoop(t *testing.T) {
	g, err := reactor.NewGroup(3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Listen("unix", socketPath(t), echo{}.accept); err != nil {
		t.Fatal(err)
	}
	go g.Run(context.Background())
	for loop := range 2 {
		if err := g.Loops()[loop].Post(runtime.Goexit); err != nil {
			t.Fatal(err)
		}
		for g.Loops()[loop].Post(func() {}) == nil {
			time.Sleep(time.Millisecond)
		}
		cmd := exec.Command("sh", "-c", `printf r >&$UREACTOR_READY_FD; test $LISTEN_FDS = 1`)
		if err := g.Restart(context.Background(), cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the new process was not passed the socket: %v", err)
		}
	}
	if err := g.Shutdown(context.Background()); err == nil {
		t.Error("Shutdown says nothing of the loops that failed")
	}
}
