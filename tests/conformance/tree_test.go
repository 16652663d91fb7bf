//go:build linux

package conformance

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/tests/conformance/internal/lib"
)

var treeFlag = flag.String("tree", "", "the folder of MicroPython's source, whose tests run")

// treeAtOnce is how many of MicroPython's tests run in parallel. They measure time.
const treeAtOnce = 2

// modes are the values of MPNET_KERNEL with which the tests run, and their titles in the table.
var modes = []struct{ kernel, title string }{{"host", "parked"}, {"loop", "loop"}, {"simulated", "simulated"}}

// groups are the groups of tests: each is the beginning of the tests' names in the folder tests.
var groups = []string{"extmod/asyncio_", "extmod/select_", "extmod/socket_", "extmod/ssl_", "extmod/tls_",
	"multi_net/asyncio_tcp_", "multi_net/asyncio_tls_", "multi_net/ssl", "multi_net/tcp_", "multi_net/tls_", "multi_net/udp_",
	"net_hosted/"}

// beyond has the reasons for which some tests cannot pass. Its keys are names of tests, or modes
// with names.
var beyond = map[string]string{
	"extmod/tls_sslcontext_ciphers": "needs cipher suites that only mbedtls has",
	"extmod/asyncio_event_queue":    "needs micropython.schedule between two instructions",
	"extmod/asyncio_iterator_event": "needs micropython.schedule between two instructions",
	"extmod/asyncio_heaplock":       "needs micropython.heap_lock",

	"simulated/extmod/select_poll_fd": "polls a descriptor of the host",
}

// maySkip matches the tests that may skip themselves because a feature is missing.
var maySkip = regexp.MustCompile(`psk|dtls`)

// An outcome is the result of one test in one mode.
type outcome struct {
	verdict string // pass, skip, beyond or FAIL
	detail  string
}

// A treeRunner runs the tests of a MicroPython source tree.
type treeRunner struct {
	lib.Bridge
	tree    string
	first   int // the first port
	numbers atomic.Int32
}

// MicroPython's tests of asyncio, socket, select, ssl and networks print the expected output on
// these modules. The tests use MicroPython's own asyncio. They run with parked goroutines, on a
// loop, and on a simulated kernel.
func TestTree(t *testing.T) {
	if *treeFlag == "" {
		t.Log("only with -tree DIR: MicroPython's source is not part of this module")
		return
	}
	tree, err := filepath.Abs(*treeFlag)
	if err != nil {
		t.Fatal(err)
	}
	r := &treeRunner{Bridge: built(t), tree: tree, first: lib.Ports()}
	if len(r.tests("extmod/asyncio_")) == 0 {
		t.Fatalf("%s has no tests of asyncio", tree)
	}
	table := newTable()
	running := make(chan struct{}, treeAtOnce)
	t.Run("modes", func(t *testing.T) {
		for _, m := range modes {
			for _, group := range groups {
				for _, name := range r.tests(group) {
					t.Run(m.title+"/"+name, func(t *testing.T) {
						t.Parallel()
						running <- struct{}{}
						defer func() { <-running }()
						o := r.run(m.kernel, name)
						if o.verdict == "FAIL" { // the machine may have been busy
							t.Logf("the first try: %s", o.detail)
							o = r.run(m.kernel, name)
						}
						table.add(group, m.title, name, o)
						if o.verdict == "FAIL" {
							t.Error(o.detail)
						}
					})
				}
			}
		}
	})
	t.Log(table)
}

// tests returns the names of the tests in a group.
func (r *treeRunner) tests(group string) (names []string) {
	found, _ := filepath.Glob(filepath.Join(r.tree, "tests", group+"*.py"))
	for _, path := range found {
		names = append(names, filepath.Dir(group+"x")+"/"+strings.TrimSuffix(filepath.Base(path), ".py"))
	}
	return names
}

const limit = longtest.Guard

// run runs one test and returns its outcome.
func (r *treeRunner) run(kernel, name string) outcome {
	path := filepath.Join(r.tree, "tests", name+".py")
	source, err := os.ReadFile(path)
	if err != nil {
		return outcome{"FAIL", err.Error()}
	}
	ports := r.ports()
	got, diag := r.Run(kernel, filepath.Dir(path), limit, r.path(ports, r.Modules, r.scripts()),
		"-W", "ignore", runtest(), "-root", filepath.Join(r.tree, "extmod"), strconv.Itoa(ports), path)
	reason, impossible := beyond[name]
	if !impossible {
		reason, impossible = beyond[kernel+"/"+name]
	}
	good, want := r.judge(string(source), path, normal(got, ports), diag)
	switch {
	case strings.TrimSpace(got) == "SKIP" && maySkip.MatchString(name):
		return outcome{"skip", "needs what crypto/tls does not have"}
	case impossible && good:
		return outcome{"FAIL", "passes, but is listed as impossible: " + reason}
	case impossible:
		return outcome{"beyond", reason}
	case good:
		return outcome{"pass", ""}
	}
	return outcome{"FAIL", fmt.Sprintf("%s %s printed\n%s\nwant\n%s\nstderr\n%s", kernel, name, got, want, diag)}
}

// ports returns the first port of a range for one run. Each of five consecutive calls returns
// another range.
func (r *treeRunner) ports() int { return r.first + int(r.numbers.Add(1))%5*220 }

var verdictOK = regexp.MustCompile(`(?m)^OK( \(.*\))?$`)

// judge compares the output with the file beside the test. If there is no such file, a test that
// uses unittest must report OK. Any other test must then print the same as on CPython's own
// modules. No test may end with an exception.
func (r *treeRunner) judge(source, path, got, diag string) (good bool, want string) {
	expected, err := os.ReadFile(path + ".exp")
	switch {
	case err == nil:
		want = normal(string(expected), 0)
	case strings.Contains(source, "unittest.main()"):
		return verdictOK.MatchString(diag), "OK of unittest"
	default:
		ports := r.ports()
		text, _ := r.Run("", filepath.Dir(path), limit, r.path(ports, r.scripts()),
			"-W", "ignore", runtest(), strconv.Itoa(ports), path)
		want = normal(text, ports)
	}
	return got == want && !strings.Contains(diag, "exit status"), want
}

// path returns variables of the environment, with which a program finds modules in these folders
// and its ports.
func (r *treeRunner) path(ports int, folders ...string) []string {
	return []string{"PYTHONPATH=" + strings.Join(folders, string(os.PathListSeparator)), fmt.Sprint("LAB_PORT=", ports)}
}

// scripts returns the folder of the conformance scripts. runtest.py uses helpers from there.
func (r *treeRunner) scripts() string { return filepath.Join(r.Modules, "../scripts") }

func runtest() string {
	path, err := filepath.Abs("micropython/runtest.py")
	if err != nil {
		panic(err)
	}
	return path
}

var (
	oneArgument = regexp.MustCompile(`,\)`)
	className   = regexp.MustCompile(`<class '\w+\.(\w+)'>`)
)

// normal removes the differences between the outputs of the two Pythons: CPython prints exceptions
// with one argument, and classes, in another way. normal also replaces the ports by those in the
// test's source.
func normal(text string, ports int) string {
	text = oneArgument.ReplaceAllString(text, ")")
	text = className.ReplaceAllString(text, "<class '$1'>")
	for i := 0; ports > 0 && i < 200; i++ {
		text = strings.ReplaceAll(text, ":"+strconv.Itoa(ports+i), ":"+strconv.Itoa(8000+i))
	}
	return strings.TrimRight(text, "\n") + "\n"
}

// A table counts the outcomes.
type table struct {
	mu    sync.Mutex
	count map[[3]string]int // by group, mode and verdict
	notes []string
}

func newTable() *table { return &table{count: map[[3]string]int{}} }

func (b *table) add(group, mode, name string, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count[[3]string{group, mode, o.verdict}]++
	if o.verdict != "pass" {
		detail, _, _ := strings.Cut(o.detail, "\n")
		b.notes = append(b.notes, fmt.Sprintf("%-6s %-9s %s: %s", o.verdict, mode, name, detail))
	}
}

func (b *table) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var s strings.Builder
	fmt.Fprintf(&s, "passed, of those that can\n%-24s", "")
	for _, m := range modes {
		fmt.Fprintf(&s, "%14s", m.title)
	}
	for _, group := range groups {
		fmt.Fprintf(&s, "\n%-24s", group)
		for _, m := range modes {
			passed, failed := b.count[[3]string{group, m.title, "pass"}], b.count[[3]string{group, m.title, "FAIL"}]
			fmt.Fprintf(&s, "%14s", fmt.Sprintf("%d of %d", passed, passed+failed))
		}
	}
	slices.Sort(b.notes)
	s.WriteString("\n\n" + strings.Join(b.notes, "\n"))
	return s.String()
}
