//go:build planted

package sim_test

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// The test plants one bug at a time. The bug's test, usually the mixed workload, must then fail
// within 1,000 seeds.
func TestPlantedBugsAreFound(t *testing.T) {
	longtest.NeedsGo(t)
	for _, p := range plantedBugs {
		t.Run(p.name, func(t *testing.T) {
			path, text := p.plant(t)
			dir := t.TempDir()
			buggy := filepath.Join(dir, "buggy.go")
			overlay, _ := json.Marshal(map[string]map[string]string{"Replace": {path: buggy}})
			for name, data := range map[string]string{buggy: text, filepath.Join(dir, "overlay"): string(overlay)} {
				if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command("go", "test", "-vet=off", "-overlay", filepath.Join(dir, "overlay"), "-run", "^"+cmp.Or(p.test, "TestStorm")+"$", ".",
				"-sim.seeds=1000", "-sim.lines=3").CombinedOutput()
			seed := regexp.MustCompile(`seed=\d+ step=\d+[^\n]*(\n\t[^\n]*)?`).FindString(string(out))
			if err == nil || seed == "" {
				t.Fatalf("not found: %v\n%s", err, out)
			}
			t.Log(seed)
		})
	}
}
