//go:build unix

package reactor_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What the README shows is code that runs: every block of Go in it stands, line by line, in an example_test.go.
func TestReadmeShowsTheExamples(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples []byte
	for _, dir := range []string{".", "../socket", "../select", "../netconn", "../sim/simtest"} {
		text, err := os.ReadFile(dir + "/example_test.go")
		if err != nil {
			t.Fatal(err)
		}
		examples = append(examples, text...)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) == 0 {
		t.Fatal("no Go in the README")
	}
	for _, b := range blocks {
		indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(b[1], "\t$1")
		if !strings.Contains(string(examples), "\n"+b[1]) && !strings.Contains(string(examples), "\n"+indented) {
			t.Errorf("not in an example_test.go:\n%s", b[1])
		}
	}
}
