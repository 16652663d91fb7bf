//go:build unix

package api

import (
	"bytes"
	"flag"
	"fmt"
	"go/importer"
	"go/token"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

const (
	module = "github.com/ureactor/ureactor"
	file   = "../../doc/api.txt"
)

// packages lists the packages that users import.
var packages = []string{"eviocompat", "frame", "inspect", "kernel", "looplabels", "metrics", "netconn", "poller", "proxyproto", "reactor", "select", "sim", "sim/simnet", "sim/simtest", "socket", "timeout", "websocket"}

var update = flag.Bool("update", false, "write doc/api.txt, and the pictures of doc/design.md")

// The file doc/api.txt lists exactly the exported API, so a reviewer sees each change in one place.
// The types come from the compiler's export data. The values of constants are those of Linux: on
// other systems the test compares only names and types.
func TestAPIIsWhatTheFileLists(t *testing.T) {
	if !longtest.Default(t, "processes that are started") {
		return
	}
	longtest.NeedsGo(t)
	got := exported(t)
	if *update {
		if runtime.GOOS != "linux" {
			t.Fatal("-update is for Linux, whose constants the file lists")
		}
		if err := os.WriteFile(file, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if runtime.GOOS != "linux" {
		isValue := regexp.MustCompile(`, const \w+ = `).MatchString
		got, want = slices.DeleteFunc(got, isValue), slices.DeleteFunc(want, isValue)
	}
	wrong := 0
	for _, line := range minus(got, want) {
		t.Errorf("doc/api.txt lacks: %s", line)
		wrong++
	}
	for _, line := range minus(want, got) {
		t.Errorf("no longer exported, which breaks users: %s", line)
		wrong++
	}
	if wrong > 0 {
		t.Error("if that is meant: go test ./tests/api -update, and a line in CHANGELOG.md")
	} else if !slices.Equal(got, want) {
		t.Error("doc/api.txt is not sorted: go test ./tests/api -update")
	}
}

func minus(a, b []string) (left []string) {
	in := map[string]bool{}
	for _, s := range b {
		in[s] = true
	}
	for _, s := range a {
		if !in[s] {
			left = append(left, s)
		}
	}
	return left
}

// exported returns the sorted lines of all packages.
func exported(t *testing.T) (lines []string) {
	longtest.NeedsGo(t)
	args := []string{"list", "-export", "-f", "{{.ImportPath}} {{.Export}}"}
	for _, p := range packages {
		args = append(args, module+"/"+p)
	}
	cmd := exec.Command("go", args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &complaints)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("go list has no export data for %q", path)
		}
		return os.Open(files[path])
	})
	for _, p := range packages {
		pkg, err := imports.Import(module + "/" + p)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, linesOf(pkg)...)
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
