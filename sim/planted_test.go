//go:build planted

package sim_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// planted are bugs, each one change of one place: the file, what is there, and what comes in its
// place.
var planted = []struct{ name, file, old, bug string }{
	{"drop the generation check", "poller/table.go",
		"if s.gen != gen || gen&1 == 0 {", "if gen&1 == 0 {"},
	{"close before Del", "reactor/conn_close.go",
		"c.w.drop()\n\tif e := c.w.r.k.Close(int(c.w.fd)); e != 0 {", "if e := c.w.r.k.Close(int(c.w.fd)); e != 0 {\n\t\tc.w.drop()"},
	{"forget half-close", "reactor/conn.go",
		"\t\treturn\n\t}\n\tc.Close()\n}", "\t\treturn\n\t}\n\tc.dropOutput()\n\tc.end(nil)\n}"},
	{"lose a timer at re-arm", "timeout/queue.go",
		"q.down(0, entry{t.until, t.seq, t})", "q.Stop(t)\n\t\tif len(q.heap) == 0 {\n\t\t\treturn &Timer{until: Never}\n\t\t}"},
	{"FIN before what waits", "reactor/conn_close.go",
		"if c.out == nil && said && c.is(wantFIN|closing) && !c.is(over) {", "if said && c.is(wantFIN|closing) && !c.is(over) {"},
	{"a deadline one tick early", "timeout/timeout.go",
		"return now + Deadline(t)\n", "return now + Deadline(t) - 1\n"},
	{"double completion", "reactor/conn_close.go",
		"r.ended = append(r.ended, ending{c, err})", "r.ended = append(r.ended, ending{c, err}, ending{c, err})"},
	{"ignore a short write", "reactor/conn_send.go",
		"if e != 0 || n < o.n {", "if e != 0 {"},
	{"do not repeat after EINTR", "sim/fault.go",
		"if v = h.verdict(c); v.e != kernel.EINTR {", "if v = h.verdict(c); true {"},
	{"leak the descriptor of an accept that cannot be registered", "reactor/conn_close.go",
		"\tif c.w.gen == 0 {\n\t\treturn\n\t}\n\tc.w.drop()", "\tif c.w.gen == 0 || c.from != nil && c.w.want == 0 && !c.is(closing|sawEOF|paused|pressed) {\n\t\treturn\n\t}\n\tc.w.drop()"},
}

// Each bug, planted alone, makes the mixed workload fail within 1,000 seeds.
func TestPlantedBugsAreFound(t *testing.T) {
	longtest.NeedsGo(t)
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			path := filepath.Join(root, p.file)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), p.old); n != 1 {
				t.Fatalf("%s has the place of this bug %d times; show it the new one", p.file, n)
			}
			dir := t.TempDir()
			buggy := filepath.Join(dir, "buggy.go")
			overlay, _ := json.Marshal(map[string]map[string]string{"Replace": {path: buggy}})
			for name, data := range map[string]string{buggy: strings.Replace(string(text), p.old, p.bug, 1), filepath.Join(dir, "overlay"): string(overlay)} {
				if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command("go", "test", "-vet=off", "-overlay", filepath.Join(dir, "overlay"), "-run", "^TestStorm$", ".",
				"-sim.seeds=1000", "-sim.lines=3").CombinedOutput()
			seed := regexp.MustCompile(`seed=\d+ step=\d+[^\n]*(\n\t[^\n]*)?`).FindString(string(out))
			if err == nil || seed == "" {
				t.Fatalf("not found: %v\n%s", err, out)
			}
			t.Log(seed)
		})
	}
}
