package lib

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A Bridge is the C library, with the programs and folders that are needed to run a Python program
// on it.
type Bridge struct {
	Python  string // the interpreter
	Modules string // the folder with modules socket, select, ssl and tls
	library string
}

// Build builds the bridge in the folder out. A test in the folder tests/conformance calls it. If
// there is no python3 or no C compiler, the test is skipped.
func Build(t *testing.T, out string) Bridge {
	longtest.NeedsGo(t)
	// The python3 in the path may be a slow script that chooses an interpreter.
	python, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Skip("no python3 to run the scripts: ", err)
	}
	env, err := exec.Command("go", "env", "CGO_ENABLED", "CC").Output()
	if err != nil {
		t.Skip("no go command to build the library: ", err)
	}
	cgo, cc, _ := strings.Cut(strings.TrimSpace(string(env)), "\n")
	if cgo != "1" {
		t.Skip("cgo is off, the scripts need a C library")
	}
	if fields := strings.Fields(cc); len(fields) == 0 {
		t.Skip("no C compiler is configured")
	} else if _, err := exec.LookPath(fields[0]); err != nil {
		t.Skip("no C compiler: ", err)
	}
	library := filepath.Join(out, "lib.so")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", library, "./bridge")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the library: %v\n%s", err, text)
	}
	modules, err := filepath.Abs("py")
	if err != nil {
		t.Fatal(err)
	}
	return Bridge{strings.TrimSpace(string(python)), modules, library}
}

// Run runs Python with these arguments in the folder dir, on the kernel that the argument kernel
// names. It ends the program after the time limit. environment contains additional variables.
func (b *Bridge) Run(kernel, dir string, limit time.Duration, environment []string, args ...string) (stdout, stderr string) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.Python, append([]string{"-B"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONPATH="+b.Modules, "MPNET_LIB="+b.library, "MPNET_KERNEL="+kernel)
	cmd.Env = append(cmd.Env, environment...)
	return Output(cmd)
}

// Output runs a command and returns what it writes. An error of the command is appended to stderr.
func Output(cmd *exec.Cmd) (stdout, stderr string) {
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(&diag, err)
	}
	return out.String(), diag.String()
}

// PortsEach is the number of ports that belong to one call of Ports.
const PortsEach = 1120

// held has listeners on ports that Ports returned lately. They keep other processes from these
// ports.
var held struct {
	sync.Mutex
	last []net.Listener
}

// Ports returns the first of PortsEach consecutive ports. These ports are below the ports that the
// system assigns. If possible, none of them is in use. A listener on the last of these ports keeps
// other processes away. This listener is closed at the fourth later call of Ports.
func Ports() (first int) {
	held.Lock()
	defer held.Unlock()
	from := os.Getpid() + int(time.Now().UnixNano()>>20)
	for _, list := range [][]int{Free(), ranges(nil)} {
		for i := range list {
			first = list[(from+i)%len(list)]
			l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", first+PortsEach-1))
			if err != nil {
				continue
			}
			if held.last = append(held.last, l); len(held.last) > 4 {
				held.last[0].Close()
				held.last = held.last[1:]
			}
			return first
		}
	}
	return first
}

// Free returns the first port of each range of which no port is in use.
func Free() []int { return ranges(used()) }

// ranges returns the first port of each range that has none of the busy ports.
func ranges(busy []int) (firsts []int) {
	for first := 10000; first+PortsEach <= 32768; first += PortsEach {
		if !slices.ContainsFunc(busy, func(port int) bool { return port >= first && port < first+PortsEach }) {
			firsts = append(firsts, first)
		}
	}
	return firsts
}

// used returns the TCP ports of this machine that are in use. A connection that has ended uses its
// port for another minute, and then bind without SO_REUSEADDR fails. Only Linux lists the ports.
func used() (ports []int) {
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 {
				_, port, _ := strings.Cut(fields[1], ":") // the local address is in hexadecimal
				if n, err := strconv.ParseUint(port, 16, 16); err == nil {
					ports = append(ports, int(n))
				}
			}
		}
	}
	return ports
}
