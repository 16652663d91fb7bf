//go:build unix

package api

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// pictures are the functions that draw the pictures of doc/design.md, by file name. Each picture
// has its own background, so that light and dark pages can show it.
var pictures = map[string]func() string{
	"layers.svg": drawLayers,
	"turn.svg":   drawTurn,
}

// The pictures in doc/ equal what the functions draw.
func TestPicturesAreCurrent(t *testing.T) {
	for name, draw := range pictures {
		path := filepath.Join(root, "doc", name)
		if *update {
			if err := os.WriteFile(path, []byte(draw()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != draw() {
			t.Errorf("doc/%s is old: go test ./tests/api -update", name)
		}
	}
}

// A package imports only packages that are below it in the picture of the layers. The imports come
// from go list. Each exported package is in the picture.
func TestPackagesImportOnlyLayersBelow(t *testing.T) {
	if !longtest.Default(t, "starts go list") {
		return
	}
	list := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	list.Dir = root
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]int{}
	for _, l := range layers {
		row[l.name] = l.row
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(strings.ReplaceAll(line, module+"/", ""))
		name := words[0]
		own, drawn := row[name]
		if !drawn {
			if folder, _, _ := strings.Cut(name, "/"); folder == name && !strings.Contains(name, "github.com") {
				t.Errorf("package %s is not in the picture", name)
			}
			continue
		}
		for _, other := range words[1:] {
			if below, drawn := row[other]; drawn && below <= own {
				t.Errorf("%s imports %s, which is not below it in the picture", name, other)
			}
		}
	}
	if !slices.ContainsFunc(layers, func(l layer) bool { return l.name == "reactor" }) {
		t.Error("no reactor: the names are no import paths any more")
	}
}
