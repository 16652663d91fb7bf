package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// A pack is one package whose code is mutated.
type pack struct {
	path, dir string
	files     []string // full paths
	text      map[string][]byte
	syntax    []*ast.File
	info      *types.Info
	types     *types.Package
}

// load parses and type-checks the packages. For this it needs the export data of the imported
// packages, which go list makes.
func load(fset *token.FileSet, dirs []string) ([]*pack, error) {
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export"}
	for _, dir := range dirs {
		args = append(args, "./"+dir)
	}
	out, err := output(exec.Command("go", args...))
	if err != nil {
		return nil, err
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	exports, byDir := map[string]string{}, map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		exports[l.ImportPath], byDir[l.Dir] = l.Export, l
	}
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	var packs []*pack
	for _, dir := range dirs {
		full, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		l, ok := byDir[full]
		if !ok {
			return nil, fmt.Errorf("no package in %s", dir)
		}
		p := &pack{path: l.ImportPath, dir: full, text: map[string][]byte{}}
		if err := p.check(fset, imports, l.GoFiles); err != nil {
			return nil, err
		}
		packs = append(packs, p)
	}
	return packs, nil
}

func (p *pack) check(fset *token.FileSet, imports types.Importer, names []string) error {
	for _, name := range names {
		name = filepath.Join(p.dir, name)
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		p.files, p.text[name], p.syntax = append(p.files, name), text, append(p.syntax, f)
	}
	p.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	var err error
	p.types, err = (&types.Config{Importer: imports}).Check(p.path, fset, p.syntax, p.info)
	return err
}
