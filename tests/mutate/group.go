package main

import (
	"context"
	"fmt"
	"go/token"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A group is packages whose mutants are tried with the tests of all of them.
type group struct {
	name string
	options
	equivalent map[string]string // reasons by key
	journal    *journal

	fset     *token.FileSet
	packs    []*pack
	mutants  []*mutant
	made     int // before -n
	binaries []*binary
	scratch  string
	results  map[int]result
}

// run finds the mutants, compiles them, and tries those whose results the journal does not have.
func (g *group) run(ctx context.Context, dirs []string) error {
	if err := unchanged(dirs); err != nil {
		return err
	}
	g.fset = token.NewFileSet()
	var err error
	if g.packs, err = load(g.fset, dirs); err != nil {
		return err
	}
	g.choose()
	if g.dry {
		for _, m := range g.mutants {
			fmt.Printf("%d: %s\n", m.number, m.key())
		}
		return nil
	}
	if g.scratch, err = os.MkdirTemp("", "mutate"); err != nil {
		return err
	}
	defer os.RemoveAll(g.scratch)
	for i, p := range g.packs {
		g.binaries = append(g.binaries, &binary{dir: p.dir, path: filepath.Join(g.scratch, fmt.Sprintf("test%d", i))})
	}
	if err := g.build(ctx); err != nil {
		return err
	}
	g.results = g.journal.results(g.name)
	if err := g.measure(ctx); err != nil {
		return err
	}
	return g.tryAll(ctx)
}

// choose makes all mutants and keeps -n of them. Their numbers do not depend on -n or -seed.
func (g *group) choose() {
	next := 0
	for _, p := range g.packs {
		g.mutants = append(g.mutants, p.mutants(g.fset, &next)...)
	}
	g.made = len(g.mutants)
	for _, m := range g.mutants {
		m.reason = g.equivalent[m.key()]
	}
	if g.number == 0 || g.number >= len(g.mutants) {
		return
	}
	random := rand.New(rand.NewPCG(g.seed, 0))
	random.Shuffle(len(g.mutants), func(i, k int) { g.mutants[i], g.mutants[k] = g.mutants[k], g.mutants[i] })
	g.mutants = g.mutants[:g.number]
	slices.SortFunc(g.mutants, func(a, b *mutant) int { return a.number - b.number })
}

// readList reads the page of equivalent mutants: rows of a table with function, operator, text and
// reason. A page that does not exist lists none.
func readList(name string) (map[string]string, error) {
	reasons := map[string]string{}
	text, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return reasons, nil
	}
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) < 4 {
			continue
		}
		last := len(cells) - 1
		key := strings.Join(cells[:last], " | ")
		key = strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(key), "`", ""), `\|`, "|")
		reasons[key] = strings.TrimSpace(cells[last])
	}
	return reasons, nil
}
