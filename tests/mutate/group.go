package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/token"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ureactor/ureactor/tests/mutate/on"
)

// A group is a list of packages. Their mutants are tried with the tests of all of these packages.
type group struct {
	name string
	options
	equivalent map[string]string // reasons by key
	journal    *journal

	fset     *token.FileSet
	packs    []*pack
	mutants  []*mutant
	made     int      // before -n reduced the number
	stale    []string // keys in the list that no mutant has
	binaries []*binary
	scratch  string
	tries    atomic.Int64      // numbers the directories for temporary files
	results  map[string]result // by key
}

// run finds the mutants, compiles them, and tries those that have no result in the journal.
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
	if g.made >= on.Max {
		return fmt.Errorf("%d mutants, fewer than %d are possible: name fewer packages", g.made, on.Max)
	}
	if g.dry {
		for _, m := range g.mutants {
			fmt.Fprintf(g.out, "%d: %s\n", m.number, m.key())
		}
		return nil
	}
	if g.scratch, err = shortTemp(); err != nil {
		return err
	}
	defer os.RemoveAll(g.scratch)
	for _, p := range g.packs {
		g.add(p.dir)
	}
	for _, dir := range strings.FieldsFunc(g.also, func(r rune) bool { return r == ',' }) {
		if dir, err = filepath.Abs(dir); err != nil {
			return err
		}
		g.add(dir)
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

// shortTemp makes a directory for temporary files. Its name is short, because tests make Unix
// sockets in it.
func shortTemp() (string, error) {
	for i := 0; ; i++ {
		name := filepath.Join(os.TempDir(), fmt.Sprintf("m%d", i))
		if err := os.Mkdir(name, 0o700); !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}

// add adds the test binary of a package.
func (g *group) add(dir string) {
	path := filepath.Join(g.scratch, fmt.Sprintf("test%d", len(g.binaries)))
	g.binaries = append(g.binaries, &binary{dir: dir, path: path})
}

// choose makes all mutants, and keeps as many as -n says. The kept mutants have the lowest hash
// sums of key and -seed. So a change of the code affects only the choice among the changed mutants.
func (g *group) choose() {
	next := 0
	for _, p := range g.packs {
		g.mutants = append(g.mutants, p.mutants(g.fset, &next)...)
	}
	g.made = len(g.mutants)
	for _, m := range g.mutants {
		m.reason = g.equivalent[m.key()]
	}
	g.stale = g.missing()
	if g.number == 0 || g.number >= len(g.mutants) {
		return
	}
	order := map[*mutant]uint64{}
	for _, m := range g.mutants {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s %d", m.key(), g.seed)
		order[m] = h.Sum64()
	}
	slices.SortFunc(g.mutants, func(a, b *mutant) int { return cmp.Compare(order[a], order[b]) })
	g.mutants = g.mutants[:g.number]
	slices.SortFunc(g.mutants, func(a, b *mutant) int { return a.number - b.number })
}

// missing returns the keys in the list of equivalent mutants that belong to these packages but to
// no mutant.
func (g *group) missing() (keys []string) {
	have := map[string]bool{}
	for _, m := range g.mutants {
		have[m.key()] = true
	}
	for key := range g.equivalent {
		for _, p := range g.packs {
			if strings.HasPrefix(key, p.types.Name()+".") && !have[key] {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// readList reads the page of equivalent mutants. Its table has the columns function, operator, text
// and reason. If the page does not exist, the list is empty.
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
