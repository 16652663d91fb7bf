package main

import (
	"fmt"
	"go/build"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A port is checked against the new API. Its sources are available, because port.sh runs in the
// module.

// portFiles finds the edits of one package. It reports the compile errors that remain after the
// edits.
func (w *world) portFiles(at string, files []*file) {
	w.port(at, files, false)
	wrong := w.wrong(at, files)
	if len(wrong) > 0 && regexp.MustCompile("(Socket|Listen|Dial)Option").MatchString(strings.Join(wrong, "\n")) {
		first := make([][]edit, len(files))
		for i, f := range files {
			first[i], f.edits = f.edits, nil
		}
		w.port(at, files, true)
		if other := w.wrong(at, files); len(other) < len(wrong) {
			wrong = other
		} else {
			for i, f := range files {
				f.edits = first[i]
			}
		}
	}
	for round := 0; len(wrong) > 0 && round < 5 && w.convert(at, files); round++ {
		wrong = w.wrong(at, files)
	}
	for _, text := range wrong {
		fmt.Fprintln(os.Stderr, text)
	}
}

// wrong returns the compile errors of the ported package that mention packages of this module.
func (w *world) wrong(at string, files []*file) (list []string) {
	api := w.newAPI()
	if api == nil {
		return nil
	}
	var ported []*file
	for _, f := range files {
		g, err := api.parse(f.name, f.apply())
		if err != nil {
			return []string{err.Error()}
		}
		ported = append(ported, g)
	}
	about := regexp.MustCompile(`\b(eviocompat|kernel|netconn|poller|reactor|sel|sim|socket|timeout)\.`)
	api.failed = func(err error) {
		if e, ok := err.(types.Error); ok && !e.Soft && about.MatchString(e.Msg) && !strings.Contains(e.Msg, "invalid type") {
			list = append(list, api.fset.Position(e.Pos).String()+": "+e.Msg)
		}
	}
	api.check(at, ported)
	api.failed = nil
	return list
}

// newAPI returns a world that has this module's packages instead of the old API. It returns nil if
// there are none.
func (w *world) newAPI() *world {
	dir, err := os.Getwd()
	for ; err == nil && moduleName(dir) != module; dir = filepath.Dir(dir) {
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
	if w.api == nil {
		w.api = &world{fset: token.NewFileSet(), std: w.std, root: w.root, name: w.name, known: map[string]*types.Package{}, home: dir}
	}
	for path := range w.api.known { // the program's packages change
		if w.name != "" && strings.HasPrefix(path, w.name+"/") {
			delete(w.api.known, path)
		}
	}
	return w.api
}

// current returns a package of this module from its sources.
func (w *world) current(at string) *types.Package {
	dir := filepath.Join(w.home, strings.TrimPrefix(at, module))
	pkg, err := build.ImportDir(dir, 0)
	if err != nil {
		return nil
	}
	var files []*file
	for _, name := range pkg.GoFiles {
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil
		}
		if f, err := w.parse(name, src); err == nil {
			files = append(files, f)
		}
	}
	w.bodies = true
	p, _ := w.check(at, files)
	w.bodies = false
	return p
}
