//go:build linux

package conformance

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A suite is the set of tests of one package of Go.
type suite struct {
	path string
	pkg  string // the name of the external test package
	// outside are tests that need the Internet.
	outside []string
	// without has the tests that pass over package net but cannot pass here, with the reasons.
	without map[string]string
}

var suites = []suite{
	{"net", "net_test", []string{"TestLookupCNAME", "TestLookupGoogleHost", "TestLookupGoogleIP", "TestLookupGoogleSRV",
		"TestLookupGmailTXT", "TestLookupGmailNS", "TestLookupGmailMX", "TestLookupDotsWithRemoteSource", "TestResolverLookupIP"}, map[string]string{
		"TestDialContextCancelRace": "replaces package net's connect and getsockopt",
		"TestFileFdBlocks":          "needs the constructor of os.File that only package net may call",
		"TestMultiPathTCP":          "netconn has no MultipathTCP",
	}},
	{"net/http", "http_test", nil, nil},
	{"crypto/tls", "tls_test", nil, nil},
}

// Tests of Go's own packages that pass over package net also pass over netconn. The exceptions are
// listed with their reasons. Each listed exception must fail, so that the list stays short.
func TestGoSuites(t *testing.T) {
	if !longtest.Only(t, "Go's own tests of net, net/http and crypto/tls") {
		return
	}
	longtest.NeedsGo(t)
	out, err := exec.Command("go", "env", "GOROOT").Output()
	must(t, err)
	src := filepath.Join(strings.TrimSpace(string(out)), "src")
	o := newOverlay(t, src)
	for _, s := range suites {
		o.hook(s.path, s.pkg)
	}
	list := o.save()
	for _, s := range suites {
		t.Run(s.path, func(t *testing.T) {
			build := exec.Command("go", "test", "-vet=off", "-c", "-o", o.dir+"/", "-overlay", list, s.path)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", build, err, out)
			}
			s.compare(t, &runner{t, o.dir, src, s.path})
		})
	}
}

func (s suite) compare(t *testing.T, r *runner) {
	began := time.Now()
	over := r.all(false, func(name string) bool { return !slices.Contains(s.outside, name) })
	took := time.Since(began)
	began = time.Now()
	ours := r.all(true, func(name string) bool { return over[name].ok })
	passed, same := 0, 0
	for _, name := range slices.Sorted(keys(over)) {
		if !over[name].ok {
			continue
		}
		passed++
		why, listed := s.without[name]
		switch {
		case ours[name].ok && listed:
			t.Errorf("%s passes, and the list says that it %s", name, why)
		case ours[name].ok:
			same++
		case !listed:
			t.Errorf("%s fails over netconn:\n%s", name, ours[name].text)
		}
	}
	t.Logf("%s: %d tests, of which %d pass over package net (%v) and %d of these over netconn (%v)", s.path, len(over), passed,
		took.Round(time.Second), same, time.Since(began).Round(time.Second))
}

func keys(m map[string]verdict) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// A runner runs the test binary of one package.
type runner struct {
	t              *testing.T
	dir, src, path string
}

type verdict struct {
	ok   bool // the test has passed or was skipped
	text string
}

// every is the pattern of all tests and examples.
const every = "^(Test|Example)"

// all runs the tests that count in one process. Some tests depend on other tests, and the process
// may end early. So each test that fails or has no verdict runs again, in its own process.
func (r *runner) all(netconn bool, counts func(name string) bool) map[string]verdict {
	r.t.Helper()
	list := strings.Fields(r.run(netconn, "-test.list", every))
	skip := slices.DeleteFunc(slices.Clone(list), counts)
	found := verdicts(r.run(netconn, "-test.v", "-test.run", every, "-test.skip", "^("+strings.Join(skip, "|")+")$", "-test.timeout", "10m"))
	all := map[string]verdict{}
	for _, name := range list {
		v := found[name]
		for range 2 { // some tests depend on the machine's speed
			if v.ok || !counts(name) {
				break
			}
			text := r.run(netconn, "-test.v", "-test.run", "^"+name+"$", "-test.timeout", "1m")
			v = verdicts(text)[name]
			v.text = tail(text)
		}
		all[name] = v
	}
	return all
}

var verdictLine = regexp.MustCompile(`(?m)^--- (PASS|SKIP|FAIL): (\S+)`)

func verdicts(text string) map[string]verdict {
	found := map[string]verdict{}
	for _, m := range verdictLine.FindAllStringSubmatch(text, -1) {
		found[m[2]] = verdict{ok: m[1] != "FAIL"}
	}
	return found
}

func tail(text string) string {
	if most := 4000; len(text) > most {
		return "…" + text[len(text)-most:]
	}
	return text
}

func (r *runner) run(netconn bool, args ...string) string {
	cmd := exec.Command(filepath.Join(r.dir, filepath.Base(r.path)+".test"), args...)
	cmd.Dir = filepath.Join(r.src, r.path)
	cmd.Env = os.Environ()
	if netconn {
		cmd.Env = append(cmd.Env, "GOSUITES_NETCONN=1")
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(&out, err)
	}
	return out.String()
}
