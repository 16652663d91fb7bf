package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const onPath = "/tests/mutate/on"

// A binary is the test binary of one package.
type binary struct {
	dir, path string
	tests     []*test
	flags     []string
}

// overlay writes the source files with all mutants, and the file for -overlay.
func (g *group) overlay() (string, error) {
	module, err := output(exec.Command("go", "list", "-m"))
	if err != nil {
		return "", err
	}
	importing := "; import mutantOn \"" + strings.TrimSpace(string(module)) + onPath + "\""
	replace := map[string]string{}
	for _, p := range g.packs {
		for i, name := range p.files {
			var edits []edit
			for _, m := range g.mutants {
				if m.file == name {
					edits = append(edits, m.edits...)
				}
			}
			if len(edits) == 0 {
				continue
			}
			at := g.fset.Position(p.syntax[i].Name.End()).Offset
			edits = append(edits, edit{start: at, end: at, replace: func(func(int, int) string) string { return importing }})
			// the compiler's messages contain this name
			file := filepath.Join(g.scratch, filepath.Base(p.dir), filepath.Base(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				return "", err
			}
			if err := os.WriteFile(file, []byte(apply(p.text[name], edits)), 0o600); err != nil {
				return "", err
			}
			replace[name] = file
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(g.scratch, "overlay.json")
	return name, os.WriteFile(name, text, 0o600)
}

var compileError = regexp.MustCompile(`(?m)^([^\s:]+\.go):(\d+):\d+: `)

// build compiles the test binaries. Mutants that do not compile are dropped, with all mutants of
// the same line. For example, swapped arguments of a generic function may have different types.
func (g *group) build(ctx context.Context) error {
	for tries := 0; ; tries++ {
		file, err := g.overlay()
		if err != nil {
			return err
		}
		out, err := g.compile(ctx, file)
		if err == nil {
			return nil
		}
		before := len(g.mutants)
		for _, at := range compileError.FindAllStringSubmatch(out, -1) {
			g.remove(at[1], at[2])
		}
		if before == len(g.mutants) || tries == 20 {
			return fmt.Errorf("go test -c: %w\n%s", err, out)
		}
	}
}

func (g *group) compile(ctx context.Context, overlay string) (string, error) {
	for _, b := range g.binaries {
		args := []string{"test", "-c", "-vet=off", "-overlay", overlay, "-gcflags=-e", "-o", b.path, "."}
		if g.race {
			args = slices.Insert(args, 2, "-race")
		}
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = b.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return string(out), err
		}
	}
	return "", nil
}

// remove drops the mutants of a line for which the compiler reported an error.
func (g *group) remove(file, line string) {
	n, err := strconv.Atoi(line)
	if err != nil {
		return
	}
	g.mutants = slices.DeleteFunc(g.mutants, func(m *mutant) bool {
		return m.line == n && filepath.Base(m.file) == filepath.Base(file) && filepath.Base(filepath.Dir(m.file)) == filepath.Base(filepath.Dir(file))
	})
}
