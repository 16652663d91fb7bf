package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest" // the flag -long
)

// The tool ports programs that use each changed name and each form of use, beside names of their
// own that look the same. The result must be the file that a person has approved, and a second run
// must change nothing.
func TestPort(t *testing.T) {
	if !longtest.On() {
		t.Log("only with -long: type-checks the module and what it imports")
		return
	}
	for _, program := range []string{"", "forms_", "rare_"} {
		before, err := os.ReadFile("testdata/" + program + "before.txt")
		if err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile("testdata/" + program + "after.txt")
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
}
