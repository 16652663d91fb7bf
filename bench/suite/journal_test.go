package suite

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/bench/server"
	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
)

// A run that was interrupted continues with its settings and its finished scenarios. If the line of
// a scenario is incomplete, that scenario is measured again.
func TestAnInterruptedRunResumes(t *testing.T) {
	dir := t.TempDir()
	made := func(resume bool) *run {
		cfg := Config{Dir: dir, Resume: resume, Rounds: 7, Slice: time.Second, Seed: 3}
		if resume {
			cfg = Config{Dir: dir, Resume: true, Rounds: 1}
		}
		var said strings.Builder
		r := &run{Config: cfg, Result: &Result{Began: time.Now()}, progress: newProgress(&said)}
		var err error
		if r.journal, err = openJournal(r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := made(false)
	first.journal.finish("whole", []Reading{{Scenario: "whole", Server: "c", Messages: 5}}, true)
	first.journal.finish("half", []Reading{{Scenario: "half"}}, false)
	if _, err := first.journal.file.WriteString(`{"Done":"torn","Read`); err != nil {
		t.Fatal(err)
	}
	first.journal.close()
	for _, also := range []string{"second", "third"} {
		r := made(true)
		if r.Rounds != 7 || r.Slice != time.Second || r.Seed != 3 || !r.journal.done["whole"] || r.journal.done["half"] || r.journal.done["torn"] {
			t.Errorf("resumed with %+v, done %v", r.Config, r.journal.done)
		}
		if r.Readings[0].Messages != 5 || r.journal.done["third"] {
			t.Errorf("readings %v, done %v", r.Readings, r.journal.done)
		}
		r.journal.finish(also, []Reading{{Scenario: also}}, true)
		r.journal.close()
	}
	all, err := os.ReadFile(filepath.Join(dir, JournalName))
	if err != nil || strings.Count(string(all), "\n") != 4 || strings.Contains(string(all), "torn") {
		t.Errorf("%v\n%s", err, all)
	}
}

// A page shows the plots of a run, and keeps the plots of earlier runs. Each plot has a file,
// unless the page does not show it.
func TestAPageShowsItsPlots(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "page.md")
	var text strings.Builder
	for _, name := range []string{"cost table", "plots"} {
		fmt.Fprintf(&text, "<!-- %s: begin -->\n<!-- %s: end -->\n", name, name)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	styles := []server.Style{{Name: "c"}, {Name: "c-again"}, {Name: "callback", Ours: true}}
	// The page does not show the last scenario.
	for _, scenario := range []string{"64B-x50", "churn", "64B-x7"} {
		r := &Result{Styles: styles, Scenarios: []Scenario{{Name: scenario}}}
		for i := range 12 {
			r.Readings = append(r.Readings, Reading{Scenario: scenario, Server: styles[i%3].Name, Seq: i, Messages: 100, CPU: time.Duration(1000 + i)})
		}
		if err := r.Page(file); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, shown := range map[string]bool{"cpu-64B-x50": true, "cpu-churn": true, "cpu-64B-x7": false} {
		if strings.Contains(string(page), "](plots/"+name+".svg)") != shown {
			t.Errorf("%s is shown: %v\n%s", name, !shown, page)
		}
		if info, err := os.Stat(filepath.Join(dir, "plots", name+".svg")); err == nil != shown || shown && info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Replace replaces the text between the markers, and nothing else.
func TestReplaceKeepsTheRest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	text := "a\n<!-- x: begin (from here) -->\nold\n<!-- x: end -->\nb\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Replace(file, "x", "\nnew\n"); err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(file); string(now) != strings.Replace(text, "old", "new", 1) {
		t.Errorf("%s", now)
	}
	if err := Replace(file, "y", "new"); err == nil {
		t.Error("no error without markers")
	}
}
