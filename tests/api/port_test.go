//go:build unix

package api

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest" // the flag -long
)

// tools/port ports programs that use each changed name of the API and each form of use, beside
// names of their own that look the same. The result must be the file that a person has approved,
// and a second run must change nothing. The test is here, because a test of package main would link
// a binary of its own in every run.
func TestPort(t *testing.T) {
	if !longtest.Only(t, "type-checks the module and what it imports") {
		return
	}
	longtest.NeedsGo(t)
	const data = root + "/tools/port/testdata/"
	for _, program := range []string{"", "forms_", "rare_"} {
		before, after := read(t, data+program+"before.txt"), read(t, data+program+"after.txt")
		dir := t.TempDir()
		name := filepath.Join(dir, "p.go")
		if err := os.WriteFile(name, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			cmd := exec.Command("go", "run", "./tools/port", dir)
			cmd.Dir = root
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if got := read(t, name); got != after {
				t.Fatalf("the program is now:\n%s", got)
			}
		}
	}
}
