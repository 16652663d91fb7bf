package api

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/metrics"
	"github.com/ureactor/ureactor/reactor"
)

// Each metric that a page names is written by package metrics. A page may name a histogram without
// the suffixes of its series.
func TestMetricsOnPagesExist(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Log("no reactor on this system: ", err)
		return
	}
	defer r.Shutdown(context.Background())
	var text strings.Builder
	if err := metrics.New(r).Text(&text); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	name := regexp.MustCompile(`\bureactor_[a-z0-9_]*[a-z0-9]`)
	for _, m := range name.FindAllString(text.String(), -1) {
		known[m] = true
	}
	found := 0
	for page, text := range pages(t) {
		for _, m := range name.FindAllString(text, -1) {
			if found++; !known[m] {
				t.Errorf("%s names %s, which does not exist", page, m)
			}
		}
	}
	if found < 20 {
		t.Errorf("%d metrics found", found)
	}
}
