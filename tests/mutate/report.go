package main

import (
	"fmt"
	"strings"
)

// score returns the percentage of killed mutants. Equivalent mutants do not count.
func (g *group) score() float64 {
	kills, counted := 0, 0
	for _, m := range g.mutants {
		r, ok := g.results[m.key()]
		if !ok || m.reason != "" && r.Outcome != killed {
			continue
		}
		counted++
		if r.Outcome == killed {
			kills++
		}
	}
	if counted == 0 {
		return 100
	}
	return 100 * float64(kills) / float64(counted)
}

// report writes the score, and the survivors as rows for doc/mutants.md.
func (g *group) report() {
	w := g.out
	if g.dry {
		return
	}
	count := map[string]int{}
	for _, m := range g.mutants {
		outcome := g.results[m.key()].Outcome
		if m.reason != "" && outcome != killed {
			outcome = "equivalent"
		}
		count[outcome]++
	}
	fmt.Fprintf(w, "\n%s: %d mutants of %d: %d killed, %d survived, %d not reached, %d equivalent: %.1f %%\n\n",
		g.name, len(g.mutants), g.made, count[killed], count[survived], count[unreached], count["equivalent"], g.score())
	for _, m := range g.mutants {
		if r := g.results[m.key()]; r.Outcome != killed && m.reason == "" {
			fmt.Fprintf(w, "| %s | %s (line %d)\n", m.row(), r.Outcome, m.line)
		}
	}
}

// row returns the key as cells of a table. readList reads them.
func (m *mutant) row() string {
	escape := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	return fmt.Sprintf("`%s` | %s | `%s`", escape(m.function), m.operator, escape(m.text))
}
