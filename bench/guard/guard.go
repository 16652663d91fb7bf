// Package guard is the regression guard. It counts the allocations and system calls that a message
// costs. These counts are the same on every machine and every day.
package guard

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/bench/proc"
	"github.com/ureactor/ureactor/bench/server"
)

// A bound is the maximum number of system calls that one message may cost a server. Only calls that
// move data, or wait for data, count.
type bound struct {
	style    string
	protocol string
	conns    int
	calls    float64
}

func (b bound) String() string {
	return strings.TrimSpace(fmt.Sprintf("%-10s %3d connections %s", b.style, b.conns, b.protocol))
}

func (b bound) args() []string {
	if b.protocol == "" {
		return nil
	}
	return []string{"-protocol", b.protocol}
}

// bounds has the limits. A message needs one recv and one send. With one connection, each message
// also needs a wait. With fifty connections, one wait serves many messages, because under strace
// the server is always behind.
//
// The measured numbers are 3.01 and 2.05, for the C loop and for our servers. The limits are up to
// half a call higher, for small batches and for the calls at the start. A Poll that waits makes
// seven calls. It polls before and after, and it enters and leaves the list of the goroutine that
// wakes it. TLS needs no more calls: measured 3.07 and 2.3, including the handshakes.
var bounds = []bound{
	{"c", "", 1, 3.1}, {"callback", "", 1, 3.1}, {"task", "", 1, 3.1}, {"goroutine", "", 1, 3.2}, {"poll", "", 1, 7.1},
	{"c", "", 50, 2.5}, {"callback", "", 50, 2.5}, {"task", "", 50, 2.5}, {"goroutine", "", 50, 2.5}, {"poll", "", 50, 3.0},
	{"callback", "tls", 1, 3.3}, {"task", "tls", 1, 3.3}, {"goroutine", "tls", 1, 3.3},
	{"callback", "tls", 50, 2.6}, {"task", "tls", 50, 2.6}, {"goroutine", "tls", 50, 2.6},
}

const (
	slice     = time.Second
	enough    = 2000
	fewAllocs = 300 // for tens of thousands of messages, by the runtime: mostly its cache of sudogs
	usual     = 60  // most runs have no more than this; beyond it, allocations are listed by size
	tlsAllocs = 1.1 // for each message: crypto/tls makes one for each read of the connection
	calls     = "trace=read,write,recvfrom,sendto,recvmsg,sendmsg,recvmmsg,sendmmsg,epoll_wait,epoll_pwait,epoll_pwait2,epoll_ctl,accept4"
)

// Run checks every bound and prints each figure. The error names the bounds that do not hold.
func Run(bin, generate string, out io.Writer) error {
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	want := map[string]bool{}
	for _, b := range bounds {
		want[b.style] = true
	}
	var all []server.Style
	for _, s := range server.All {
		if want[s.Name] {
			all = append(all, s)
		}
	}
	built, err := server.Build(all, bin, say)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("strace"); err != nil {
		return errors.New("no strace here, which counts the system calls")
	}
	cores := proc.Cores()
	g := &guard{cores[len(cores)-1], cores[0], generate}
	var failed []error
	for _, b := range bounds {
		for _, s := range built {
			if s.Name == b.style {
				failed = append(failed, g.calls(s, b, say), g.allocs(s, b, say))
			}
		}
	}
	return errors.Join(failed...)
}

type guard struct {
	serverCore, clientCore int
	generate               string
}

// run loads the server for one slice. Pools and tables have grown in another slice before it.
func (g *guard) run(p *server.Process, b bound, between func() error) (int64, error) {
	gen, err := load.Start(g.clientCore, g.generate)
	if err != nil {
		return 0, err
	}
	defer gen.End()
	if err := gen.Open(p.Addr, load.Shape{Protocol: b.protocol, Conns: b.conns, Active: b.conns, Size: 64, Pipeline: 1, Depth: 1}); err != nil {
		return 0, err
	}
	if between != nil {
		if _, err := gen.Run(slice / 4); err != nil {
			return 0, err
		}
		if err := between(); err != nil {
			return 0, err
		}
	}
	var n int64
	for range 30 { // for a busy machine
		s, err := gen.Run(slice)
		if n += s.Messages; err != nil || n >= enough {
			return n, err
		}
	}
	return n, fmt.Errorf("only %d messages in 30 slices", n)
}

// allocs counts the allocations of a whole server while it echoes.
func (g *guard) allocs(s server.Style, b bound, say func(string, ...any)) error {
	if s.Name == "c" {
		return nil
	}
	p, err := server.Launch(s, g.serverCore, "tcp", 0, b.args()...)
	if err != nil {
		return err
	}
	defer p.Kill()
	var before server.Collected
	n, err := g.run(p, b, func() (err error) { before, err = p.Collect(); return err })
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	after, err := p.Collect()
	if err != nil {
		return err
	}
	made := after.Mallocs - before.Mallocs
	say("%v: %d allocations in %d messages", b, made, n)
	least := int64(0)
	if b.protocol == "tls" {
		least = int64(tlsAllocs * float64(n))
	}
	detail := after.Since(before)
	if made > least+usual {
		say("  more than usual: %s", detail)
	}
	if made > least+fewAllocs {
		return fmt.Errorf("%v: %d allocations in %d messages, must be %d in all, or %d more: %s", b, made, n, least, fewAllocs, detail)
	}
	return nil
}

// calls counts the server's system calls under strace.
func (g *guard) calls(s server.Style, b bound, say func(string, ...any)) error {
	dir, err := os.MkdirTemp("", "guard")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	counts := filepath.Join(dir, "counts")
	p, err := server.LaunchUnder([]string{"strace", "-c", "-f", "-qq", "-e", calls, "-o", counts}, s, g.serverCore, "tcp", b.args()...)
	if err != nil {
		return err
	}
	defer p.Kill()
	n, err := g.run(p, b, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	if err := end(p); err != nil {
		return err
	}
	sum, detail, err := read(counts)
	if err != nil {
		return err
	}
	each := float64(sum) / float64(n)
	say("%v: %.3f system calls a message (%s; %d messages)", b, each, detail, n)
	if each > b.calls || each < 2 {
		return fmt.Errorf("%v: %.3f system calls a message, must be 2 … %v", b, each, b.calls)
	}
	return nil
}

// end stops the server. The server is a child of strace, and strace writes its table when the
// server ends.
func end(p *server.Process) error {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.PID(), p.PID()))
	if err != nil {
		return err
	}
	for _, pid := range strings.Fields(string(children)) {
		n, err := strconv.Atoi(pid)
		if err != nil {
			return err
		}
		if err := syscall.Kill(n, syscall.SIGTERM); err != nil {
			return err
		}
	}
	if ended, _ := p.Ended(10 * time.Second); !ended {
		return errors.New("strace does not end with its child")
	}
	return nil
}

// read returns the sum of the calls in strace's table.
func read(name string) (sum int64, detail string, err error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer file.Close()
	var parts []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		f := strings.Fields(lines.Text()) // % time, seconds, usecs/call, calls, [errors,] syscall
		if len(f) < 5 || f[len(f)-1] == "total" {
			continue
		}
		n, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			continue // the header
		}
		sum += n
		parts = append(parts, fmt.Sprintf("%s %d", f[len(f)-1], n))
	}
	if sum == 0 {
		return 0, "", fmt.Errorf("strace counted nothing")
	}
	return sum, strings.Join(parts, ", "), nil
}
