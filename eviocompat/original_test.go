//go:build linux || darwin || freebsd

package eviocompat

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// slow matches evio's tests that need -long. TestServe streams for half a minute. TestTick fails if
// 250 ms take a second. TestReuseInputBuffer fails if two packets that are sent 200 ms apart arrive
// together.
const slow = "^(TestServe|TestTick|TestReuseInputBuffer)$"

// evio's own tests, of the release in go.mod, pass on this package. With -long all of them run,
// three times, with the race detector where it is supported. Their file stays in the module cache:
// go test overlays a copy of it on this directory, changed by the replacements below. The original
// tests use fixed ports. The copy uses ports that another run at this time most likely does not
// use.
func TestEvioOwnTests(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Logf("not with -short: %s: builds a program", t.Name())
		return // with the race detector too, so this is not longtest.Default
	}
	longtest.NeedsGo(t)
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
	for _, r := range []struct {
		old, new string
		times    int
	}{
		{"\npackage evio\n", "\npackage evio_test\n", 1},
		{"\nimport (\n", "\nimport (\n\t. \"github.com/ureactor/ureactor/eviocompat\"\n", 1},
		// :9987 to :9999 become ports below those that the system assigns.
		{`:99`, fmt.Sprint(":", 100+os.Getpid()%227), 21},
		// On a loaded machine, 25 ticks of 10 ms may take more than a second.
		{`dur < 250&time.Millisecond || dur > time.Second`, `dur < 250*time.Millisecond`, 1},
	} {
		if n := strings.Count(code, r.old); n != r.times {
			t.Fatalf("%s has %q %d times, not %d", file, r.old, n, r.times)
		}
		code = strings.ReplaceAll(code, r.old, r.new)
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
	rounds := longtest.Count(1, 1, 3)
	run := []string{fmt.Sprint("-test.count=", rounds), "-test.timeout=5m", "-test.v"}
	left := regexp.MustCompile(slow)
	if longtest.On() {
		left = regexp.MustCompile("^$")
		if _, err := exec.LookPath("gcc"); err == nil {
			args = append([]string{args[0], "-race"}, args[1:]...)
		}
	} else {
		t.Logf("only with -long: %s: %s", t.Name(), slow)
		run = append(run, "-test.skip="+slow)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	cmd := exec.Command(binary, run...)
	cmd.Dir = tmp // the tests make sockets in their directory
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	passed := regexp.MustCompile(`(?m)^--- PASS: (\w+)`).FindAllSubmatch(out, -1)
	tests := 0
	for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllSubmatch(text, -1) {
		if !left.Match(m[1]) {
			tests++
		}
	}
	if tests == 0 || len(passed) != rounds*tests || strings.Contains(string(out), "mismatch") {
		t.Errorf("%d passes of %d tests, each %d times:\n%s", len(passed), tests, rounds, out)
	}
}
