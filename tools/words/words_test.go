package main

import (
	"maps"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
)

// -set lowers the limits of the folders that were counted, and raises no limit.
func TestSetOnlyLowers(t *testing.T) {
	of := func(columns, words int) map[string]int {
		return map[string]int{"columns": columns, "sentences": 0, "words": words, "files": 0}
	}
	limits := map[string]map[string]int{"mixed": of(5, 5), "clean": of(1, 0), "other": of(7, 7)}
	counts := map[string]map[string]int{"mixed": of(3, 9), "new": of(1, 1)}
	after := lowered(limits, counts, map[string]bool{"mixed": true, "clean": true, "new": true})
	want := map[string]map[string]int{"mixed": of(3, 5), "other": of(7, 7)}
	if !maps.EqualFunc(after, want, maps.Equal) {
		t.Errorf("%v\nwant %v", after, want)
	}
}
