package api

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The doc comment of an exported type or function contains no table of fields and locks, because
// users do not need it. Such a table is inside the declaration, beside the fields.
func TestDocShowsNoTableOfFields(t *testing.T) {
	declared := regexp.MustCompile(`(?m)^((?://.*\n)+)(?:type|func(?: \([^)]*\))?) ([A-Z]\w*)`)
	table := regexp.MustCompile(`(?m)^//\t.*\bfield\b.*\bset by\b`)
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.Contains(path, "/internal/") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			seen++
			if table.Match(m[1]) {
				t.Errorf("%s: the doc comment of %s has a table of its fields: move it inside the declaration", path, m[2])
			}
		}
		return err
	})
	if err != nil || seen < 500 {
		t.Errorf("%d declarations were read, %v", seen, err)
	}
}
