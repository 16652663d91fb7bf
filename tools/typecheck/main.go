package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

func main() {
	list := os.Args[1:]
	if len(list) == 0 {
		list = targets()
	}
	c := &checker{files: token.NewFileSet(), parsed: map[string]*ast.File{}}
	var failed atomic.Bool
	work := make(chan string)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for target := range work {
				r, err := c.check(".", target)
				if err != nil {
					r.errors = append(r.errors, err)
				}
				for _, err := range r.errors {
					failed.Store(true)
					fmt.Fprintf(os.Stderr, "%s: %v\n", target, err)
				}
				fmt.Printf("%-16s %d packages\n", target, r.own)
			}
		})
	}
	for _, target := range list {
		work <- target
	}
	close(work)
	if workers.Wait(); failed.Load() {
		os.Exit(1)
	}
}

// targets returns the systems and processors for which the module compiles.
func targets() (list []string) {
	out, err := exec.Command("go", "tool", "dist", "list").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "go tool dist list:", err)
		os.Exit(1)
	}
	for target := range strings.FieldsSeq(string(out)) {
		if named.MatchString(target) {
			list = append(list, target)
		}
	}
	return list
}

var named = regexp.MustCompile(`^(linux|darwin|freebsd|netbsd|openbsd|dragonfly|windows|plan9)/(386|amd64|arm|arm64)$`)

// A checker parses each file once for all targets. Its methods may be called at the same time.
type checker struct {
	files *token.FileSet

	mu     sync.Mutex // guards parsed
	parsed map[string]*ast.File
}

// result has what was found for one target. own is the number of packages of the module.
type result struct {
	own    int
	errors []error
}

// listed is what go list says about a package. ImportMap has the imports whose path in the source
// is not the path of the package, as "p" for "p [p.test]".
type listed struct {
	ImportPath, Dir string
	GoFiles, SFiles []string
	ImportMap       map[string]string
	Module          *struct {
		Main      bool
		GoVersion string
	}
}

// fields are what go list prints. It checks the patterns of //go:embed only if they are printed.
const fields = "-json=ImportPath,Dir,GoFiles,SFiles,ImportMap,Module,EmbedFiles,TestEmbedFiles,XTestEmbedFiles"

func (c *checker) check(dir, target string) (r result, err error) {
	system, processor, _ := strings.Cut(target, "/")
	list := exec.Command("go", "list", "-deps", "-test", fields, "./...")
	list.Dir = dir
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	out, err := list.StdoutPipe()
	if err != nil {
		return r, err
	}
	if err := list.Start(); err != nil {
		return r, err
	}
	known := map[string]*types.Package{"unsafe": types.Unsafe}
	for in := json.NewDecoder(out); ; { // a package comes after its imports
		var p listed
		if err := in.Decode(&p); err != nil {
			if err == io.EOF {
				err = nil
			}
			err = errors.Join(err, list.Wait())
			if err == nil && r.own == 0 {
				err = errors.New("no package of a module is here")
			}
			return r, err
		}
		if p.ImportPath == "unsafe" || strings.HasSuffix(p.ImportPath, ".test") {
			continue
		}
		own := p.Module != nil && p.Module.Main
		if own {
			r.own++
		}
		var found []error
		known[p.ImportPath], found = c.types(&p, processor, own, known)
		if own {
			r.errors = append(r.errors, found...)
		}
	}
}

// types checks one package. Of other modules' functions only the declarations are of interest.
func (c *checker) types(p *listed, processor string, own bool, known map[string]*types.Package) (*types.Package, []error) {
	var found []error
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := c.parse(filepath.Join(p.Dir, name))
		if err != nil {
			found = append(found, err)
			continue
		}
		files = append(files, f)
	}
	config := types.Config{
		IgnoreFuncBodies: !own,
		Sizes:            types.SizesFor("gc", processor),
		Error:            func(err error) { found = append(found, err) },
		Importer: importer(func(path string) (*types.Package, error) {
			if mapped, ok := p.ImportMap[path]; ok {
				path = mapped
			}
			if p := known[path]; p != nil {
				return p, nil
			}
			return nil, fmt.Errorf("there is no package %s", path)
		}),
	}
	if own {
		config.GoVersion = "go" + p.Module.GoVersion
		if len(p.SFiles) == 0 {
			found = append(found, c.noBody(files)...)
		}
	}
	path, _, _ := strings.Cut(p.ImportPath, " ")
	checked, _ := config.Check(path, c.files, files, nil) // Error gets each error
	return checked, found
}

// noBody returns an error for each function without a body. Only assembly may have the body.
func (c *checker) noBody(files []*ast.File) (found []error) {
	for _, f := range files {
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Body == nil {
				found = append(found, fmt.Errorf("%s: %s has no body", c.files.Position(d.Pos()), d.Name.Name))
			}
		}
	}
	return found
}

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }

func (c *checker) parse(name string) (*ast.File, error) {
	c.mu.Lock()
	f, ok := c.parsed[name]
	if c.mu.Unlock(); ok {
		return f, nil
	}
	f, err := parser.ParseFile(c.files, name, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parsed[name] = f
	return f, nil
}
