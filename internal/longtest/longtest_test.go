package longtest

import (
	"flag"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// go test ./... -long fails for a package whose tests do not define the flag. So the test parses
// the imports of every directory that has tests, and expects an import of this package.
func TestEveryPackageKnowsTheFlag(t *testing.T) {
	const root, self = "../..", "github.com/ureactor/ureactor/internal/longtest"
	knows := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (name == "testdata" || name[0] == '.' || name[0] == '_') {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != root {
				return fs.SkipDir // a module of its own: go test ./... of the root does not reach it
			}
			return nil
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		knows[dir] = knows[dir] || dir == filepath.Join(root, "internal", "longtest")
		for _, i := range f.Imports {
			if p, _ := strconv.Unquote(i.Path.Value); p == self {
				knows[dir] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, ok := range knows {
		if !ok {
			t.Errorf("no test file of %s imports %s: add it", dir, self)
		}
	}
}

// Count and On are called with each combination of -short and -long. If both are set, -short wins.
func TestCountFollowsTheFlags(t *testing.T) {
	set := func(name, value string) {
		t.Helper()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"test.short", "long"} {
		old := flag.Lookup(name).Value.String()
		t.Cleanup(func() { set(name, old) })
	}
	for _, c := range []struct {
		short, long string
		want        int
	}{{"false", "false", 2}, {"true", "false", 1}, {"false", "true", 3}, {"true", "true", 1}} {
		set("test.short", c.short)
		set("long", c.long)
		if n := Count(1, 2, 3); n != c.want {
			t.Errorf("-short=%s -long=%s: %d, not %d", c.short, c.long, n, c.want)
		}
		if On() != (c.want == 3) {
			t.Errorf("-short=%s -long=%s: On is %v", c.short, c.long, On())
		}
	}
}
