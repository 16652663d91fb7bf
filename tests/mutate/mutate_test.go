package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// fixture makes a repository from testdata/fixture and makes it the working directory. It also
// makes an empty directory for temporary files, and returns this directory.
func fixture(t *testing.T) string {
	t.Helper()
	longtest.NeedsGo(t)
	dir, temp := t.TempDir(), t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS("testdata/fixture")))
	must(t, os.CopyFS(filepath.Join(dir, "tests/mutate/on"), os.DirFS("on")))
	t.Chdir(dir)
	t.Setenv("TMPDIR", temp)
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a", "commit", "-qm", "fixture"},
	} {
		out, err := exec.Command("git", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return temp
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// try runs the tool and returns what it prints.
func try(o options, groups ...string) (out, log string, err error) {
	var a, b bytes.Buffer
	o.out, o.log = &a, &b
	o.tests, o.jobs, o.patience = "^Test", 2, 5
	if o.limit == 0 {
		o.limit = time.Hour
	}
	err = mutate(context.Background(), o, groups)
	return a.String(), b.String(), err
}

// empty checks that a directory is empty.
func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		t.Errorf("%s is left", e.Name())
	}
}

// outcomes returns the outcome of each mutant in a journal, by key.
func outcomes(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	all := map[string]string{}
	for d := json.NewDecoder(f); ; {
		var r result
		if err := d.Decode(&r); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if all[r.Key] != "" {
			t.Errorf("%s is tried twice", r.Key)
		}
		all[r.Key] = r.Outcome
	}
}

// Each operator of the tool makes mutants of the fixture, and the fixture's tests notice each of
// them. Removing a lock, for example, is one mutant, which removes both Lock and Unlock.
func TestEachOperatorMakesItsMutants(t *testing.T) {
	if !longtest.Default(t, "compiles mutants") {
		return
	}
	temp := fixture(t)
	out, log, err := try(options{journal: "journal"}, "ops")
	if err != nil {
		t.Fatal(err, log)
	}
	if !strings.Contains(out, " 0 survived, 0 not reached, 0 equivalent: 100.0 %") {
		t.Error(out)
	}
	got := outcomes(t, "journal")
	for _, key := range []string{
		"ops.One | return early | One", "ops.One | +1 | 1 in return 1",
		"ops.Negate | negate | a && b", "ops.Negate | negate | a", "ops.Negate | negate | b",
		"ops.Compare | compare | a < b", "ops.Compare | compare | a <= b", "ops.Compare | compare | a > b", "ops.Compare | compare | a >= b",
		"ops.Drop | drop | n += 2", "ops.Drop | drop | n++", `ops.Drop | drop | add("|")`, `ops.Drop | drop | defer add("end")`,
		"ops.Drop | drop | s = append(s, word)", "ops.Swap | swap | minus(a, b)", "ops.minus | drop | difference = a - b",
		"ops.Errnos | drop errno | e == EPIPE", "ops.Errnos | negate | e == EPIPE",
		"ops.Errnos | drop errno | EAGAIN", "ops.Errnos | drop errno | EINTR", "ops.(*Count).Up | drop lock | c.mu",
	} {
		if got[key] != killed {
			t.Errorf("%q is %q, want killed", key, got[key])
		}
	}
	for key := range got {
		if strings.Contains(key, " | drop | c.mu") || strings.Contains(key, "errno | e != OK") {
			t.Errorf("%s is no mutant", key)
		}
	}
	empty(t, temp)
}

// The report has a row for each surviving mutant. If this row is copied to the page, with a reason,
// the mutant no longer counts. A row of the page without a mutant is an error. The second run
// continues after the journal of the first run, whose last line is incomplete.
func TestSurvivorsAreListedAndARunGoesOn(t *testing.T) {
	if !longtest.Only(t, "compiles mutants") {
		return
	}
	temp := fixture(t)
	out, log, err := try(options{journal: "journal", list: "page.md"}, "weak")
	if err != nil {
		t.Fatal(err, log)
	}
	const row = "| `weak.Max` | compare | `a > b` | survived (line 6)\n"
	if !strings.Contains(out, row) || !strings.Contains(out, "| `weak.Seldom` | return early | `Seldom` | unreached (line 13)") {
		t.Error(out)
	}
	first := outcomes(t, "journal")

	page := "| function | operator | place | reason |\n|---|---|---|---|\n" + strings.Replace(row, "survived (line 6)", "of two equal numbers either is right |", 1) +
		"| `weak.Gone` | negate | `a \\|\\| b` | it was here |\n| `other.Gone` | negate | `a` | it is elsewhere |\n"
	must(t, os.WriteFile("page.md", []byte(page), 0o600))
	text, err := os.ReadFile("journal")
	must(t, err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	cut := slices.Concat(lines[0], lines[1], lines[2][:len(lines[2])/2])
	must(t, os.WriteFile("journal", cut, 0o600))
	out, log, err = try(options{journal: "journal", list: "page.md", least: 90}, "weak")
	fails(t, err, "fewer than 90 % were killed", "weak.Gone")
	if !strings.Contains(out, "1 equivalent") || strings.Contains(out, row) {
		t.Error(out)
	}
	if strings.Contains(err.Error(), "other.Gone") {
		t.Error(err)
	}
	if n := strings.Count(log, " left: "); n != len(first)-2 {
		t.Errorf("%d were tried, want %d\n%s", n, len(first)-2, log)
	}
	if second := outcomes(t, "journal"); !maps.Equal(first, second) {
		t.Errorf("%v, without an interruption %v", second, first)
	}
	empty(t, temp)
}

// A mutant that never ends is killed, together with the process that its test has started. The
// temporary file of the test is removed.
func TestAHangIsKilledWithItsChildren(t *testing.T) {
	if !longtest.Only(t, "compiles mutants, and awaits a limit") {
		return
	}
	temp := fixture(t)
	child := filepath.Join(t.TempDir(), "child")
	t.Setenv("FIXTURE_CHILD", child)
	_, log, err := try(options{journal: "journal", jobs: 1, limit: time.Second}, "hang")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log, "killed hang.Down | drop | n--") {
		t.Error(log)
	}
	text, err := os.ReadFile("journal")
	must(t, err)
	if !strings.Contains(string(text), `"timed out"`) {
		t.Errorf("%s", text)
	}
	empty(t, temp)
	pid, err := os.ReadFile(child)
	must(t, err)
	if state, err := os.ReadFile("/proc/" + string(pid) + "/stat"); err == nil && !strings.Contains(string(state), ") Z ") {
		t.Errorf("the child runs: %s", state)
	}
}
