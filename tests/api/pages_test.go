package api

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest" // the flag -long
)

const root = "../.."

// Every block of Go on a page is also, line by line, in an example*_test.go, which the go command
// compiles and runs.
func TestProgramsOnPagesAreExamples(t *testing.T) {
	var examples strings.Builder
	eachFile(t, func(path string) {
		if ok, _ := filepath.Match("example*_test.go", filepath.Base(path)); ok {
			examples.WriteString("\n" + read(t, path))
		}
	})
	found := 0
	for name, text := range pages(t) {
		for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(text, -1) {
			found++
			indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(block[1], "\t$1")
			if !strings.Contains(examples.String(), "\n"+block[1]) && !strings.Contains(examples.String(), "\n"+indented) {
				t.Errorf("%s: not in an example*_test.go:\n%s", name, block[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("%d programs found", found)
	}
}

// A link on a page leads to a file of the project. If the link has a fragment, the file has a
// heading for it.
func TestLinksOnPagesLeadSomewhere(t *testing.T) {
	if !longtest.Default(t, "reads all pages") {
		return
	}
	all := pages(t)
	for name, text := range all {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
			path, fragment, _ := strings.Cut(link[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := name
			if path != "" {
				target = filepath.Join(filepath.Dir(name), path)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: (%s): no such file", name, link[1])
			} else if fragment != "" && !headings(all[target])[fragment] {
				t.Errorf("%s: (%s): no such heading", name, link[1])
			}
		}
	}
}

// The README has at most 400 words, because nobody reads a long one.
func TestREADMEHasAtMost400Words(t *testing.T) {
	if n := len(strings.Fields(read(t, filepath.Join(root, "README.md")))); n > 400 {
		t.Errorf("%d words", n)
	}
}

// pages returns the text of each page by its name.
func pages(t *testing.T) map[string]string {
	names, err := filepath.Glob(filepath.Join(root, "doc", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, path := range append(names, more...) {
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = read(t, path)
	}
	return all
}

// headings returns the fragments that link to a page's headings, in the form that code hosts use.
func headings(page string) map[string]bool {
	page = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(page, "")
	all := map[string]bool{}
	for _, h := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		kept := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(h[1]), "")
		all[strings.ReplaceAll(kept, " ", "-")] = true
	}
	return all
}

func eachFile(t *testing.T, f func(path string)) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git": // git changes it while this runs
			return filepath.SkipDir
		case !d.IsDir():
			f(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
