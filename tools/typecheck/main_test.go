package main

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A small module has a package with errors that only some targets have, in its code and in its
// tests. Each target has exactly its own errors.
func TestErrorsOfOneTargetAreFound(t *testing.T) {
	if !longtest.Default(t, "starts go list") {
		return
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":            "module example.org/m\n\ngo 1.26\n",
		"m.go":              "package m\n\nimport \"syscall\"\n\nvar E error = syscall.ECANCELED\n",
		"m_test.go":         "package m\n\nvar Exported = 1 << 40\n",
		"x_test.go":         "package m_test\n\nimport \"example.org/m\"\n\nvar _ = m.Exported\n",
		"w_windows_test.go": "package m\n\nvar _ = none\n",
		"b_darwin.go":       "package m\n\nfunc body()\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c := &checker{files: token.NewFileSet(), parsed: map[string]*ast.File{}}
	for target, want := range map[string][]string{
		"linux/amd64":   {},
		"plan9/amd64":   {"syscall.ECANCELED", "syscall.ECANCELED"}, // also in the package with its tests
		"linux/386":     {"(overflows)"},
		"windows/arm64": {"undefined: none"},
		"darwin/arm64":  {"body has no body", "body has no body"},
	} {
		r, err := c.check(dir, target)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		ok := r.own == 3 && len(r.errors) == len(want)
		for i := 0; ok && i < len(want); i++ {
			ok = strings.Contains(r.errors[i].Error(), want[i])
		}
		if !ok {
			t.Errorf("%s: %d packages, %q, want %q", target, r.own, r.errors, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "e.go"), []byte("package m\n\nimport _ \"embed\"\n\n//go:embed none.txt\nvar _ string\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := c.check(dir, "linux/amd64"); err == nil {
		t.Error("no error for a file that is not there to embed")
	}
}
