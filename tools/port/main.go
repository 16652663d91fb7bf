package main

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/ureactor/ureactor"

//go:embed old.txt
var old string

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: port DIR")
		os.Exit(2)
	}
	if err := portDir(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "port:", err)
		os.Exit(1)
	}
}

// portDir ports every package below root.
func portDir(root string) error {
	var w *world
	return filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case dir != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "vendor"):
			return filepath.SkipDir
		}
		if name := moduleName(dir); w == nil || name != "" {
			w = newWorld(dir, name)
		}
		return w.portPackages(dir)
	})
}

// portPackages ports the files of one directory. The files belong to a package, and perhaps to its
// test package.
func (w *world) portPackages(dir string) error {
	names, err := goFiles(dir)
	if err != nil {
		return err
	}
	files := map[string][]*file{}
	for _, name := range names {
		src, err := os.ReadFile(name)
		var f *file
		if err == nil {
			f, err = w.parse(name, src)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "port: left alone:", err)
			continue
		}
		files[f.tree.Name.Name] = append(files[f.tree.Name.Name], f)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w.portFiles(w.importPath(dir), files[name])
		for _, f := range files[name] {
			if err := f.write(); err != nil {
				fmt.Fprintln(os.Stderr, "port: left alone:", err)
			}
		}
	}
	return nil
}

// goFiles lists the Go files in dir. The directory's name may contain any characters.
func goFiles(dir string) (names []string, err error) {
	list, err := os.ReadDir(dir)
	for _, d := range list {
		if !d.IsDir() && strings.HasSuffix(d.Name(), ".go") {
			names = append(names, filepath.Join(dir, d.Name()))
		}
	}
	return names, err
}

// A world has what is common to all packages of a module.
type world struct {
	fset  *token.FileSet
	std   types.Importer
	known map[string]*types.Package
	stubs map[string]string // the old API, by import path
	root  string
	name  string // of the module at root; "" if there is none

	api    *world      // the world with the new API
	home   string      // in the world with the new API: the folder of its sources
	bodies bool        // functions' bodies are skipped
	failed func(error) // gets the compile errors
}

func newWorld(root, name string) *world {
	w := &world{fset: token.NewFileSet(), std: importer.Default(), root: root, name: name,
		known: map[string]*types.Package{}, stubs: map[string]string{}}
	for _, part := range strings.Split(old, "\n-- ") {
		at, text, _ := strings.Cut(strings.TrimPrefix(part, "-- "), " --\n")
		w.stubs[at] = text
	}
	return w
}

func moduleName(dir string) string {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(mod)) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(name)
		}
	}
	return ""
}

// importPath returns the path of the package in dir. Outside of a module it returns an arbitrary
// path.
func (w *world) importPath(dir string) string {
	rel, err := filepath.Rel(w.root, dir)
	if err != nil || w.name == "" {
		return "program"
	}
	return path.Join(w.name, filepath.ToSlash(rel))
}

func (w *world) parse(name string, src []byte) (*file, error) {
	tree, err := parser.ParseFile(w.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	return &file{name: name, src: src, tree: tree}, err
}

// check resolves the names of a package. A name that it cannot find stays unresolved.
func (w *world) check(at string, files []*file) (*types.Package, *types.Info) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{},
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	var trees []*ast.File
	for _, f := range files {
		trees = append(trees, f.tree)
	}
	failed := w.failed
	conf := types.Config{Importer: w, FakeImportC: true, IgnoreFuncBodies: w.bodies, Error: func(err error) {
		if failed != nil {
			failed(err)
		}
	}}
	w.failed = nil // errors of imported packages do not count
	pkg, _ := conf.Check(at, w.fset, trees, info)
	return pkg, info
}

// Import returns a package of the old API, of the program, or of the standard library. For other
// packages it returns an empty one.
func (w *world) Import(at string) (*types.Package, error) {
	if p := w.known[at]; p != nil {
		return p, nil
	}
	w.known[at] = types.NewPackage(at, path.Base(at)) // before load, so that an import cycle ends
	w.known[at].MarkComplete()
	if p := w.load(at); p != nil {
		w.known[at] = p
	}
	return w.known[at], nil
}

func (w *world) load(at string) *types.Package {
	if w.home != "" && (at == module || strings.HasPrefix(at, module+"/")) {
		return w.current(at)
	}
	rel, own := strings.CutPrefix(at, w.name+"/")
	own = own && w.name != ""
	if text, ok := w.stubs[at]; ok && !(own && strings.HasPrefix(rel, "internal/")) {
		f, err := w.parse(at+".go", []byte(text))
		if err != nil {
			panic(err)
		}
		p, _ := w.check(at, []*file{f})
		return p
	}
	if own {
		return w.source(at, filepath.Join(w.root, rel))
	}
	if at == "golang.org/x/sys/unix" && w.home != "" { // kernel's Errno comes from there
		f, _ := w.parse("unix.go", []byte("package unix; import \"syscall\"; type Errno = syscall.Errno"))
		p, _ := w.check(at, []*file{f})
		return p
	}
	if strings.Contains(strings.Split(at, "/")[0], ".") {
		return nil // other modules are not needed
	}
	p, _ := w.std.Import(at)
	return p
}

// source returns a package of the program's module.
func (w *world) source(at, dir string) *types.Package {
	names, _ := goFiles(dir)
	var files []*file
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if f, err := w.parse(name, src); err == nil {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil
	}
	p, _ := w.check(at, files)
	return p
}

// write writes the file if it differs from the file on disk.
func (f *file) write() error {
	now, err := os.ReadFile(f.name)
	if out := f.apply(); err == nil && string(out) != string(now) {
		err = os.WriteFile(f.name, out, 0o644)
	}
	return err
}

// A file is one source file with the edits to make.
type file struct {
	name  string
	src   []byte
	tree  *ast.File
	edits []edit
}

type edit struct {
	from, to int
	text     string
}

// apply returns the source after the edits.
func (f *file) apply() []byte {
	if len(f.edits) == 0 {
		return f.src
	}
	slices.SortStableFunc(f.edits, func(a, b edit) int { return a.from - b.from })
	var out []byte
	at := 0
	for _, e := range f.edits {
		if e.from < at {
			continue // inside another edit
		}
		out = append(append(out, f.src[at:e.from]...), e.text...)
		at = e.to
	}
	out = append(out, f.src[at:]...)
	if pretty, err := format.Source(out); err == nil {
		return pretty
	}
	return out
}
