package main

import (
	"os"
	"path/filepath"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
)

// A program that uses each changed name once, beside names of its own that are the same. Its port
// must be the file that was read and approved, and a second run must change nothing.
func TestPort(t *testing.T) {
	before, err := os.ReadFile("testdata/before.txt")
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile("testdata/after.txt")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "p.go")
	if err := os.WriteFile(name, before, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := portDir(dir); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(after) {
			t.Fatalf("the program is now:\n%s", got)
		}
	}
}
