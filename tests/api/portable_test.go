//go:build unix

package api

import (
	"errors"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// Package syscall has other names on each system: Plan 9 has no ECANCELED. The test parses the
// files that a system would compile, and expects that its package syscall has each name they use.
func TestPlan9AndWindowsHaveTheNamesOfPackageSyscall(t *testing.T) {
	if !longtest.Default(t, "parses package syscall of each system") {
		return
	}
	used := 0
	for _, system := range []string{"plan9", "windows"} {
		ctx := build.Default
		ctx.GOOS, ctx.GOARCH, ctx.CgoEnabled = system, "amd64", false
		has := map[string]bool{}
		for _, f := range parsed(t, &ctx, filepath.Join(ctx.GOROOT, "src", "syscall")) {
			declares(f, has)
		}
		for _, dir := range folders(t) {
			for _, f := range parsed(t, &ctx, dir) {
				for _, name := range namesOf(f, "syscall") {
					if used++; !has[name] {
						t.Errorf("%s: syscall.%s is not in the package of %s", dir, name, system)
					}
				}
			}
		}
	}
	if used < 20 {
		t.Errorf("only %d names: this has tested nothing", used)
	}
}

// folders returns the folders of the module. Folders with a go.mod of their own are other modules.
func folders(t *testing.T) (all []string) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		_, err = os.Stat(filepath.Join(path, "go.mod"))
		if name := d.Name(); path != root && (err == nil || name == "testdata" || name[0] == '.' || name[0] == '_') {
			return fs.SkipDir
		}
		all = append(all, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// parsed returns the files of a folder that the system of ctx would compile, without tests.
func parsed(t *testing.T, ctx *build.Context, dir string) (files []*ast.File) {
	p, err := ctx.ImportDir(dir, 0)
	if none := (*build.NoGoError)(nil); err != nil && !errors.As(err, &none) {
		t.Fatal(err)
	}
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, 0)
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
			names[d.Name.Name] = true
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
