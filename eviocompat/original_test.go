//go:build linux || darwin || freebsd

package eviocompat

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// evio's own tests, of the release that go.mod names, pass on this package, under the race detector where that runs,
// three times over. Their file stays in the module cache: a copy whose package clause and imports are changed, by the two
// replacements below, is laid over this directory while go test runs.
func TestEvioOwnTests(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tidwall/evio").Output()
	if err != nil {
		t.Skipf("no module cache and no way to fill it: %v", err)
	}
	file := filepath.Join(strings.TrimSpace(string(dir)), "evio_test.go")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	code := string(text)
	for _, r := range [][2]string{
		{"\npackage evio\n", "\npackage evio_test\n"},
		{"\nimport (\n", "\nimport (\n\t. \"github.com/ureactor/ureactor/eviocompat\"\n"},
	} {
		if strings.Count(code, r[0]) != 1 {
			t.Fatalf("%s does not have %q once", file, r[0])
		}
		code = strings.Replace(code, r[0], r[1], 1)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	over := map[string]map[string]string{"Replace": {filepath.Join(here, "original", "evio_test.go"): filepath.Join(tmp, "evio_test.go")}}
	list, err := json.Marshal(over)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"evio_test.go": []byte(code), "overlay.json": list} {
		if err := os.WriteFile(filepath.Join(tmp, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(tmp, "evio.test")
	args := []string{"test", "-c", "-vet=off", "-overlay", filepath.Join(tmp, "overlay.json"), "-o", binary, "./original"}
	if _, err := exec.LookPath("gcc"); err == nil {
		args = append([]string{args[0], "-race"}, args[1:]...)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	run := exec.Command(binary, "-test.count=3", "-test.timeout=5m", "-test.v")
	run.Dir = tmp // they make sockets where they are
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	passed := regexp.MustCompile(`(?m)^--- PASS: (\w+)`).FindAllSubmatch(out, -1)
	tests := regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllSubmatch(text, -1)
	if len(tests) == 0 || len(passed) != 3*len(tests) || strings.Contains(string(out), "mismatch") {
		t.Errorf("%d passes of %d tests, three times each:\n%s", len(passed), len(tests), out)
	}
}
