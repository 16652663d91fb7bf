package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/tests/conformance/internal/lib"
)

// scriptsAtOnce is how many scripts run in parallel. They sleep most of the time.
const scriptsAtOnce = 6

// sampled limits the scripts without -long: the first script of each group runs, and of a large
// group one in so many. Each script is a process and takes 0.2 s of CPU time.
const sampled = 16

// guard is the time after which a script counts as hung.
const guard = longtest.Guard

func TestMain(m *testing.M) {
	longtest.AtOnce(scriptsAtOnce)
	code := m.Run()
	if folder != "" {
		_ = os.RemoveAll(folder) // if it fails, the files stay in the system's temporary folder
	}
	os.Exit(code)
}

// folder contains the library, which all tests of a run share.
var folder string

// built returns the library, which the first call builds.
func built(t *testing.T) lib.Bridge {
	if folder == "" {
		var err error
		if folder, err = os.MkdirTemp("", "bridge"); err != nil {
			t.Fatal(err)
		}
	}
	if library.Python == "" {
		library = lib.Build(t, folder)
	}
	return library
}

var library lib.Bridge

// kernels lists the kernels for the bridge's sockets and Polls. The scripts print the same on all
// of them. So each kernel has a line by which one script identifies it. A simulated host numbers
// its descriptors from 1000, and a kqueue reports nothing for a socket that was never connected.
var kernels = []struct{ name, is string }{
	{"host", fmt.Sprintln(false, runtime.GOOS == "linux")},
	{"loop", fmt.Sprintln(false, runtime.GOOS == "linux")},
	{"simulated", fmt.Sprintln(true, true)},
	{"freebsd", fmt.Sprintln(true, false)},
	{"netbsd", fmt.Sprintln(true, false)},
}

// others lists the scripts that do not run on the simulated BSDs, because they print something
// different there, with the reasons. doc/bsd.md lists the differences.
var others = map[string]string{
	"freebsd/conn_again_completed":  "a connect on the loopback ends at once",
	"freebsd/conn_nonblock_refused": "a refused connect on the loopback ends at once and leaves no error",
	"freebsd/conn_refused_after":    "the same",
	"freebsd/conn_timeout":          "the peer resets what a full backlog has no room for",
	"freebsd/ipoll_oneshot_hup":     "poll(2) says HUP, never ERR",
	"freebsd/poll_mask0":            "the same",
	"freebsd/listen_dgram":          "accept of a datagram socket is EINVAL",
	"freebsd/udp_sendto_connected":  "sendto of a connected socket is EISCONN",
	"netbsd/conn_refused_after":     "a refused socket is spent",
	"netbsd/ipoll_oneshot_hup":      "poll(2) says neither HUP nor ERR",
	"netbsd/poll_mask0":             "the same",
	"netbsd/listen_dgram":           "accept of a datagram socket is EINVAL",
	"netbsd/udp_sendto_connected":   "sendto of a connected socket is EISCONN",
}

const lookAtKernel = "import socket, select; s = socket.socket(); p = select.poll(); p.register(s); " +
	"print(str(s.fileno() >= 1000).lower(), str(p.poll(0) != []).lower())"

// With our socket and select, every script prints what MicroPython has printed, or what a decision
// in doc/semantics.md requires instead. By default a sample of each group runs, on the host's
// kernel. With -long every script runs in five ways: with goroutines and in Tasks of one reactor on
// the host's kernel, and on simulated kernels of Linux, FreeBSD and NetBSD. On the host's kernel
// each script has its own range of ports. On a simulated kernel each script has its own network.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Logf("not with -short: %s: builds a C library, and each script is a process", t.Name())
		return // with the race detector too, so this is not longtest.Default
	}
	b := bridge{built(t), lib.Ports()}
	scripts, err := filepath.Glob("scripts/*.py")
	if err != nil || len(scripts) < 100 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	for _, k := range kernels {
		t.Run(k.name, func(t *testing.T) {
			if k.name != "host" && !longtest.Only(t, "the scripts on simulated kernels") {
				return
			}
			if got, stderr := b.run(k.name, "-c", lookAtKernel); got != k.is {
				t.Fatalf("it is another kernel: printed %q, want %q\nstderr\n%s", got, k.is, stderr)
			}
			of := map[string]int{} // number of scripts of each group so far
			for _, script := range scripts {
				name := strings.TrimSuffix(filepath.Base(script), ".py")
				if name == "lab" || name == "ssllab" { // modules that the other scripts import
					continue
				}
				group, _, _ := strings.Cut(name, "_")
				i := of[group]
				of[group]++
				if i%sampled != 0 && !longtest.On() {
					continue
				}
				if why, ok := others[k.name+"/"+name]; ok {
					t.Logf("%s is not for %s: %s", name, k.name, why)
					continue
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					want, err := os.ReadFile("scripts/" + name + ".want")
					if err != nil {
						want, err = os.ReadFile("scripts/" + name + ".out")
					}
					if err != nil {
						t.Fatal(err)
					}
					got, stderr := b.run(k.name, name+".py")
					if got != string(want) {
						t.Errorf("printed\n%s\nwant\n%s\nstderr\n%s", got, want, stderr)
					}
				})
			}
		})
	}
}

// A bridge is a build of the library, and the first port for this run.
type bridge struct {
	lib.Bridge
	ports int
}

func (b *bridge) run(kernel string, args ...string) (stdout, stderr string) {
	args = append([]string{"-S"}, args...) // then Python starts faster
	return b.Run(kernel, "scripts", guard, []string{fmt.Sprint("LAB_PORT=", b.ports)}, args...)
}
