package reactor

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
)

func init() {
	children["idle"] = idle
}

// A loop has 1,000 open connections. Half of them were active before. While nothing happens, the
// loop makes no turn.
func TestIdleLoopMakesNoTurns(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		r := t.reactor()
		addr := t.listen("tcp", acceptEcho)
		for i := range longtest.Count(100, 500, 1000) {
			if c := t.dial(addr); i%2 == 0 {
				c.roundTrip("hello")
			}
		}
		t.still(100 * time.Millisecond)
		quiet := time.Duration(longtest.Count(100, 200, 2000)) * time.Millisecond
		turns := r.Stats().Turns
		t.pass(quiet)
		if turns = r.Stats().Turns - turns; turns != 0 {
			t.Errorf("%d turns in %v of quiet", turns, quiet)
		}
	})
}

// This test measures from outside how quiet an idle process is. A process with 1,000 quiet
// connections has at most two context switches in 10 s, or without -long in a shorter period. The
// Go runtime needs some seconds to become idle, and more on a busy machine. So the test tries many
// periods, and one that is quiet is enough. A process that spins has none.
func TestIdleProcessIsNotSwitched(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	quiet := time.Duration(longtest.Count(500, 1000, 10_000)) * time.Millisecond
	allowed := longtest.Count(0, 0, 2)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=idle")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	switches := allowed + 1
	for try := 0; try < 60 && switches > allowed; try++ {
		before := contextSwitches(t, cmd.Process.Pid)
		time.Sleep(quiet)
		switches = contextSwitches(t, cmd.Process.Pid) - before
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if switches > allowed {
		t.Errorf("%d context switches in the last %v of quiet, want at most %d", switches, quiet, allowed)
	}
}

func idle() {
	r, err := New()
	require(err == nil, "%v", err)
	l, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho)
	require(err == nil, "%v", err)
	done := make(chan error, 1)
	go func() { done <- r.Run(context.Background()) }()
	to := &unix.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	for range 1000 {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		require(err == nil, "%v", err)
		require(unix.Connect(fd, to) == nil, "connect")
		echoRaw(fd)
	}
	turns := r.Stats().Turns
	unix.Write(1, []byte("."))
	// This is not a read of os.Stdin, because only the loop may wait in Go's runtime.
	unix.Read(0, make([]byte, 1))
	turns = r.Stats().Turns - turns
	// A turn of the last echo may end after the echo has arrived.
	require(turns <= 1, "%d turns in the quiet", turns)
	r.Shutdown(ended())
	<-done
}

// contextSwitches returns the sum over the threads of a process.
func contextSwitches(t *testing.T, pid int) (n int) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(files) == 0 {
		t.Fatal("no threads", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.HasSuffix(name, "ctxt_switches") {
				k, err := strconv.Atoi(strings.TrimSpace(value))
				if err != nil {
					t.Fatal(err)
				}
				n += k
			}
		}
	}
	return n
}
