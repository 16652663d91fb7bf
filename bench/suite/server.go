package suite

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/bench/proc"
)

const patience = 10 * time.Second // for a server to start or to collect

// A server is a Style's process and the generator that loads it.
type server struct {
	Style
	addr  string
	cmd   *exec.Cmd
	lines chan string // of its standard output; closed when it has ended
	gen   *load.Client
	dead  error // why it takes no further part
}

// start starts a server on one core and its generator on the other, in that order.
func start(s Style, serverCore, clientCore int) (*server, error) {
	cmd := exec.Command(s.bin, append(s.Args, "0")...)
	cmd.Env = append(os.Environ(), s.Env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := proc.Start(cmd, serverCore); err != nil {
		return nil, err
	}
	v := &server{Style: s, cmd: cmd, lines: make(chan string, 4)}
	go v.read(out)
	line, err := v.line("listening ")
	if err == nil {
		v.addr = "127.0.0.1:" + line
		v.gen, err = load.Start(clientCore, Generate)
	}
	if err != nil {
		v.end()
		return nil, err
	}
	return v, nil
}

func (v *server) read(out io.Reader) {
	for in := bufio.NewScanner(out); in.Scan(); {
		v.lines <- in.Text()
	}
	close(v.lines)
}

// line is the rest of the next line that begins with prefix.
func (v *server) line(prefix string) (string, error) {
	late := time.After(patience)
	for {
		select {
		case l, alive := <-v.lines:
			if rest, ok := strings.CutPrefix(l, prefix); ok {
				return rest, nil
			}
			if !alive {
				return "", fmt.Errorf("it ended: %v", v.cmd.Wait())
			}
		case <-late:
			return "", fmt.Errorf("did not say %q within %v", strings.TrimSpace(prefix), patience)
		}
	}
}

// resident is the server's resident memory after it has given back what it can.
func (v *server) resident() (int64, error) {
	if _, err := proc.Rest(v.cmd.Process.Pid); err != nil {
		return 0, err
	}
	if err := v.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return 0, err
	}
	if _, err := v.line("collected"); err != nil {
		return 0, err
	}
	return proc.RSS(v.cmd.Process.Pid)
}

// slice loads the server for d. The server is at rest before and after, so the time is that of these messages: its
// garbage collection too, as far as it fell into the slice.
func (v *server) slice(d time.Duration) (Reading, error) {
	before, err := proc.Rest(v.cmd.Process.Pid)
	if err != nil {
		return Reading{}, err
	}
	s, err := v.gen.Run(d)
	if err != nil {
		return Reading{}, err
	}
	after, err := proc.Rest(v.cmd.Process.Pid)
	if err == nil && s.Messages == 0 {
		err = fmt.Errorf("not one message in %v", d)
	}
	return Reading{Server: v.Name, Messages: s.Messages, Took: s.Took, CPU: after - before}, err
}

// cause turns an error of the line to the server into the server's own end, if it has ended.
func (v *server) cause(err error) error {
	select {
	case _, alive := <-v.lines:
		if !alive {
			return fmt.Errorf("the server died: %v (%w)", v.cmd.Wait(), err)
		}
	case <-time.After(100 * time.Millisecond):
	}
	return err
}

func (v *server) end() {
	if v.gen != nil {
		v.gen.End()
	}
	v.cmd.Process.Kill()
	v.cmd.Wait()
}
