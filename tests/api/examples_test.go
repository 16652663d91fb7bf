//go:build unix

package api

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // defines the flag -long
)

// Every exported type is shown by an Example that runs. The test takes the types from doc/api.txt.
// A type counts as shown if an example file of its package names it. Examples without output do not
// count.
func TestEveryExportedTypeHasAnExampleThatRuns(t *testing.T) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]map[string]bool{}
	missing := map[string]bool{}
	types := 0
	for _, line := range regexp.MustCompile(`(?m)^pkg (\S+), type (\w+)[^,\n]*$`).FindAllStringSubmatch(string(text), -1) {
		dir, name := strings.TrimPrefix(line[1], module+"/"), line[2]
		if shown[dir] == nil {
			shown[dir] = namesInExamples(t, dir)
		}
		types++
		if !shown[dir][name] && !missing[dir+"."+name] {
			missing[dir+"."+name] = true
			t.Errorf("%s.%s: no Example that runs names this type", dir, name)
		}
	}
	if types < 70 {
		t.Errorf("%d types found in %s", types, file)
	}
}

// namesInExamples returns the exported names that the example files of package dir use as pkg.Name,
// and the X of each ExampleX.
func namesInExamples(t *testing.T, dir string) map[string]bool {
	names := map[string]bool{}
	paths, err := filepath.Glob(filepath.Join("../..", dir, "example*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		runs := map[string]bool{}
		for _, e := range doc.Examples(f) {
			if runs["Example"+e.Name] = e.Output != "" || e.EmptyOutput; runs["Example"+e.Name] {
				base, _, _ := strings.Cut(e.Name, "_")
				names[base] = true
			}
		}
		if len(runs) == 0 {
			continue // an ordinary test
		}
		pkg := importName(f, module+"/"+dir)
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Example") && !runs[fn.Name.Name] {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
						names[s.Sel.Name] = true
					}
				}
				return true
			})
		}
	}
	return names
}

// importName returns the name under which f imports the package at path, or "" if f does not import
// it.
func importName(f *ast.File, path string) string {
	for _, i := range f.Imports {
		if i.Path.Value == `"`+path+`"` {
			if i.Name != nil {
				return i.Name.Name
			}
			return path[strings.LastIndex(path, "/")+1:]
		}
	}
	return ""
}
