package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

const module = "github.com/ureactor/ureactor/"

// The pictures in doc/ equal what this program draws.
func TestPicturesAreCurrent(t *testing.T) {
	for name, draw := range pictures {
		text, err := os.ReadFile(filepath.Join("..", "..", "doc", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != draw() {
			t.Errorf("doc/%s is old: go run ./tools/pictures", name)
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
	list.Dir = filepath.Join("..", "..")
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
		words := strings.Fields(strings.ReplaceAll(line, module, ""))
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
