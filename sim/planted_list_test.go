package sim_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A plantedBug replaces the text old in a file by the text bug. test is the test that finds the
// bug, or "" for TestStorm.
type plantedBug struct{ name, file, old, bug, test string }

// plantedBugs lists the bugs that TestPlantedBugsAreFound compiles and runs, with the build tag
// planted.
var plantedBugs = []plantedBug{
	{"drop the generation check", "internal/fdtable/fdtable.go",
		"if s.gen != gen || gen&1 == 0 {", "if gen&1 == 0 {", ""},
	{"close before Del", "reactor/conn_close.go",
		"c.w.drop()\n\tif e := kernel.CloseAtOnce(c.w.r.k, int(c.w.fd)); e != 0 {",
		"if e := kernel.CloseAtOnce(c.w.r.k, int(c.w.fd)); e != 0 {\n\t\tc.w.drop()", ""},
	{"forget half-close", "reactor/conn_read.go",
		"\t\treturn\n\t}\n\tc.Close()\n}", "\t\treturn\n\t}\n\tc.dropOutput()\n\tc.tearDown(nil)\n}", ""},
	{"lose a timer at re-arm", "internal/timerq/timerq.go",
		"\tq.down(0, entry{t.until, t.seq, t})", "\tq.Stop(t)", ""},
	{"FIN before what waits", "reactor/conn_close.go",
		"if c.out == nil && said && c.is(wantFIN|closing) && !c.is(released) {", "if said && c.is(wantFIN|closing) && !c.is(released) {", ""},
	{"a deadline one tick early", "timeout/timeout.go",
		"return now + Deadline(t)\n", "return now + Deadline(t) - 1\n", ""},
	{"double completion", "reactor/conn_close.go",
		"r.closedCalls.add(closedCall{c, err})", "r.closedCalls.add(closedCall{c, err})\n\tr.closedCalls.add(closedCall{c, err})", ""},
	{"ignore a short write", "reactor/conn_send.go",
		"if e != 0 || n < o.n {", "if e != 0 {", ""},
	{"do not repeat after EINTR", "sim/inject.go",
		"if v = h.verdict(c, fd); v.e != kernel.EINTR {", "if v = h.verdict(c, fd); true {", ""},
	{"leak the descriptor of an accept that cannot be registered", "reactor/conn_close.go",
		"\tif c.w.gen == 0 {\n\t\treturn\n\t}\n\tc.w.drop()",
		"\tif c.w.gen == 0 || c.listener != nil && c.w.want == 0 && !c.is(closing|sawEOF|paused|throttled) {\n\t\treturn\n\t}\n\tc.w.drop()", ""},
	// The next bugs depend on the order of several loops. The first of them is found only because
	// loops also take turns in the middle of a turn.
	{"sleep although a post came while the loop was awake", "reactor/reactor.go",
		"|| r.turnBegun || r.queued.Load() > 0 ||", "|| r.turnBegun ||", "TestLoopsOfAGroupMeetEveryOrder"},
	{"end a loop without a last look at its posts", "reactor/shutdown.go",
		"for ok := true; ok; ok = r.takePosted(true) {", "for ok := true; ok; ok = false {", "TestLoopsOfAGroupMeetEveryOrder"},
}

// plant returns the path of the bug's file, and the text of the file with the bug.
func (p plantedBug) plant(t *testing.T) (path, buggy string) {
	path, err := filepath.Abs(filepath.Join("..", p.file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; show the bug %q its new file", err, p.name)
	}
	if n := strings.Count(string(text), p.old); n != 1 {
		t.Fatalf("%s has the place of this bug %d times; show it the new one", p.file, n)
	}
	return path, strings.Replace(string(text), p.old, p.bug, 1)
}

// Each planted bug replaces a text that occurs exactly once in its file, and the changed file
// parses. TestPlantedBugsAreFound compiles and runs the bugs, but it needs minutes and a build tag,
// so it runs rarely.
func TestEveryPlantedBugHasItsPlace(t *testing.T) {
	for _, p := range plantedBugs {
		t.Run(p.name, func(t *testing.T) {
			path, buggy := p.plant(t)
			if _, err := parser.ParseFile(token.NewFileSet(), path, buggy, parser.SkipObjectResolution); err != nil {
				t.Fatal(err)
			}
		})
	}
}
