package server

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/bench/proc"
)

const patience = 10 * time.Second // the time limit for a server to start or to collect

// A Process is a running server.
type Process struct {
	Style
	Network, Addr string
	Stopping      bool // the process is expected to end
	cmd           *exec.Cmd
	lines         chan string   // lines of its standard output; closed at its end
	ended         chan struct{} // closed after lines; then err is set
	err           error
	dir           string // the directory of its Unix socket
}

// Launch starts a server on a core and waits until it listens. If files > 0, it limits the server's
// descriptors.
func Launch(s Style, core int, network string, files int, args ...string) (*Process, error) {
	var under []string
	if files > 0 { // through a shell, so that the child has the limit from its start
		under = []string{"sh", "-c", `ulimit -n "$0" && exec "$@"`, strconv.Itoa(files)}
	}
	return LaunchUnder(under, s, core, network, args...)
}

// LaunchUnder starts a server through another command. The server is at the end of that command's
// arguments.
func LaunchUnder(under []string, s Style, core int, network string, args ...string) (*Process, error) {
	p := &Process{Style: s, Network: network, lines: make(chan string, 4), ended: make(chan struct{})}
	at := "0"
	if network == "unix" {
		var err error
		if p.dir, err = os.MkdirTemp("", "bench"); err != nil {
			return nil, err
		}
		at = filepath.Join(p.dir, "echo")
	}
	line := append(append(append(append(append([]string{}, under...), s.bin), s.Args...), args...), "-network", network, at)
	p.cmd = exec.Command(line[0], line[1:]...)
	p.cmd.Env = append(os.Environ(), s.Env...)
	stderr := &tail{}
	p.cmd.Stderr = stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := proc.Start(p.cmd, core); err != nil {
		os.RemoveAll(p.dir)
		return nil, err
	}
	go func() {
		p.read(out)
		p.err = p.cmd.Wait()
		if text := stderr.String(); text != "" {
			p.err = fmt.Errorf("%v: %s", p.err, text)
		}
		close(p.ended)
	}()
	if p.Addr, err = p.line("listening "); err != nil {
		p.Kill()
		return nil, err
	}
	if network != "unix" {
		p.Addr = "127.0.0.1:" + p.Addr
	}
	return p, nil
}

func (p *Process) read(out io.Reader) {
	for in := bufio.NewScanner(out); in.Scan(); {
		select {
		case p.lines <- in.Text():
		default: // no call waits for this line
		}
	}
	close(p.lines)
}

// line returns the rest of the next line that begins with prefix.
func (p *Process) line(prefix string) (string, error) {
	late := time.After(patience)
	for {
		select {
		case l, alive := <-p.lines:
			if rest, ok := strings.CutPrefix(l, prefix); ok {
				return rest, nil
			}
			if !alive {
				<-p.ended
				return "", fmt.Errorf("it ended: %v", p.err)
			}
		case <-late:
			return "", fmt.Errorf("did not say %q within %v", strings.TrimSpace(prefix), patience)
		}
	}
}

// PID returns the process number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended returns whether the process has ended within d, and its error.
func (p *Process) Ended(d time.Duration) (bool, error) {
	select {
	case <-p.ended:
		return true, p.err
	default:
	}
	select {
	case <-p.ended:
		return true, p.err
	case <-time.After(d):
		return false, nil
	}
}

// Stop asks the server to stop in an orderly way. The server needs the argument -stop.
func (p *Process) Stop() error { return p.cmd.Process.Signal(syscall.SIGTERM) }

// Resident returns the server's resident memory after it has freed as much as it can.
func (p *Process) Resident() (int64, error) {
	if _, err := proc.Rest(p.PID()); err != nil {
		return 0, err
	}
	if _, err := p.Collect(); err != nil {
		return 0, err
	}
	return proc.RSS(p.PID())
}

// Collected is a server's report about itself. It is zero for the C loop.
type Collected struct {
	Mallocs, Goroutines int64
	Threads, GCs        int64         // started so far
	BySize              map[int]int64 // by size class, without tiny and large allocations
}

// Collect makes the server free as much memory as it can. It returns the number of allocations
// before, and the number of goroutines.
func (p *Process) Collect() (c Collected, err error) {
	if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return c, err
	}
	line, err := p.line("collected")
	if err != nil || line == "" {
		return c, err
	}
	if _, err = fmt.Sscan(line, &c.Mallocs, &c.Goroutines, &c.Threads, &c.GCs); err != nil {
		return c, err
	}
	c.BySize = map[int]int64{}
	for _, class := range strings.Fields(line)[4:] {
		var size int
		var n int64
		if _, err := fmt.Sscanf(class, "%d:%d", &size, &n); err != nil {
			return c, err
		}
		c.BySize[size] = n
	}
	return c, nil
}

// Since returns the difference to an earlier report, as text.
func (c Collected) Since(before Collected) string {
	rest := c.Mallocs - before.Mallocs
	var parts []string
	for _, size := range slices.Sorted(maps.Keys(c.BySize)) {
		if n := c.BySize[size] - before.BySize[size]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d bytes", n, size))
			rest -= n
		}
	}
	return fmt.Sprintf("%s; %d tiny or large; %d threads and %d collections more",
		strings.Join(parts, ", "), rest, c.Threads-before.Threads, c.GCs-before.GCs)
}

// Kill ends the process.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	<-p.ended
	if p.dir != "" {
		os.RemoveAll(p.dir)
	}
}

// A tail keeps the first written line. For a panic, this is the panic's value.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	if len(t.text) < 400 {
		t.text = append(t.text, p[:min(len(p), 400-len(t.text))]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(t.text)), "\n")
	return line
}
