package api

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// The doc comment of an exported type or function contains no table of fields and locks, because
// users do not need it. Such a table is inside the declaration, beside the fields.
func TestDocShowsNoTableOfFields(t *testing.T) {
	if !longtest.Default(t, "reads all files") {
		return
	}
	table := regexp.MustCompile(`\n//\t.*\bfield\b.*\bset by\b`)
	declared := regexp.MustCompile(`^\n(?://.*\n)+(?:type|func(?: \([^)]*\))?) ([A-Z]\w*)`)
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.Contains(path, "/internal/") {
			return err
		}
		seen++
		text, err := os.ReadFile(path)
		for _, at := range table.FindAllIndex(text, -1) {
			if m := declared.FindSubmatch(text[at[0]:]); m != nil {
				t.Errorf("%s: the doc comment of %s has a table of its fields: move it inside the declaration", path, m[1])
			}
		}
		return err
	})
	if err != nil || seen < 500 {
		t.Errorf("%d files were read, %v", seen, err)
	}
}
