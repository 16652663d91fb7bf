//go:build unix

package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// Package syscall has other names on each system: Plan 9 has no ECANCELED. The test parses the
// files that a system would compile, and expects that its package syscall has each name they use.
func TestPlan9AndWindowsHaveTheNamesOfPackageSyscall(t *testing.T) {
	if !longtest.Default(t, "starts go list") {
		return
	}
	used := 0
	for _, system := range []string{"plan9", "windows"} {
		has := map[string]bool{}
		for _, f := range parsed(t, system, "syscall") {
			declares(f, has)
		}
		for _, f := range parsed(t, system, "./...") {
			for _, name := range namesOf(f, "syscall") {
				if used++; !has[name] {
					t.Errorf("package %s: %s has no syscall.%s", f.Name.Name, system, name)
				}
			}
		}
	}
	if used < 20 {
		t.Errorf("only %d names: this has tested nothing", used)
	}
}

// parsed returns the files of packages that a system would compile, without tests.
func parsed(t *testing.T, system, packages string) (files []*ast.File) {
	list := exec.Command("go", "list", "-f", `{{range .GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}`, packages)
	list.Dir = root
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(out)) {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// declares adds the names that a file declares outside functions.
func declares(f *ast.File, names map[string]bool) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names[d.Name.Name] = names[d.Name.Name] || d.Recv == nil
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					names[s.Name.Name] = true
				case *ast.ValueSpec:
					for _, n := range s.Names {
						names[n.Name] = true
					}
				}
			}
		}
	}
}

// namesOf returns the names of a package that a file uses. No file imports it by another name.
func namesOf(f *ast.File, pkg string) (names []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
				names = append(names, s.Sel.Name)
			}
		}
		return true
	})
	return names
}
