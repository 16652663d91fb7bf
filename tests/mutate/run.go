package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ureactor/ureactor/tests/mutate/on"
)

// A test is one test function, with how long it takes and which mutants it reaches.
type test struct {
	name    string
	took    time.Duration
	reaches map[int]bool
}

// leastPatience is how long a try may take at least: the machine may be busy.
const leastPatience = 20 * time.Second

// measure runs each test alone, without a mutant. A test that fails then could not show anything.
func (g *group) measure(ctx context.Context) error {
	for _, b := range g.binaries {
		out, err := g.start(ctx, b, nil, time.Minute, "-test.list", "^(Test|Example)")
		if err != nil {
			return fmt.Errorf("%s: list the tests: %w\n%s", b.dir, err, out)
		}
		for name := range strings.Lines(out) {
			if name = strings.TrimSpace(name); strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Example") {
				b.tests = append(b.tests, &test{name: name, reaches: map[int]bool{}})
			}
		}
	}
	return parallel(ctx, g.jobs, g.tests(), func(n int, t located) error {
		trace := filepath.Join(g.scratch, fmt.Sprintf("reached%d", n))
		began := time.Now()
		out, err := g.start(ctx, t.b, []string{on.Reached + "=" + trace}, 10*time.Minute, "-test.run", "^"+t.name+"$")
		t.took = time.Since(began)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %s fails without a mutant: %w\n%s", t.b.dir, t.name, err, out)
		}
		text, err := os.ReadFile(trace)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		for _, word := range strings.Fields(string(text)) {
			if number, err := strconv.Atoi(word); err == nil {
				t.reaches[number] = true
			}
		}
		return nil
	})
}

// located is a test with its binary.
type located struct {
	*test
	b *binary
}

func (g *group) tests() (all []located) {
	for _, b := range g.binaries {
		for _, t := range b.tests {
			all = append(all, located{t, b})
		}
	}
	return all
}

// tryAll tries the mutants that have no result yet.
func (g *group) tryAll(ctx context.Context) error {
	var left []*mutant
	for _, m := range g.mutants {
		if r, ok := g.results[m.number]; !ok || r.Key != m.key() {
			left = append(left, m)
		}
	}
	began, done := time.Now(), 0
	var mu sync.Mutex
	return parallel(ctx, g.jobs, left, func(_ int, m *mutant) error {
		r := g.try(ctx, m)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		mu.Lock()
		defer mu.Unlock()
		g.results[m.number] = r
		done++
		rest := time.Since(began) / time.Duration(done) * time.Duration(len(left)-done)
		fmt.Fprintf(os.Stderr, "%s: %d of %d, %v left: %s %s\n", g.name, done, len(left), rest.Round(time.Second), r.Outcome, m.key())
		return g.journal.add(g.name, r)
	})
}

// try runs the tests that reach a mutant: first the fast ones, then the others.
func (g *group) try(ctx context.Context, m *mutant) result {
	r := result{Number: m.number, Key: m.key(), Line: m.line, Outcome: unreached}
	reach := slices.DeleteFunc(g.tests(), func(t located) bool { return !t.reaches[m.number] })
	slices.SortFunc(reach, func(a, b located) int { return int(a.took - b.took) })
	const fast = 100 * time.Millisecond
	cut := slices.IndexFunc(reach, func(t located) bool { return t.took > fast })
	if cut < 0 {
		cut = len(reach)
	}
	for _, part := range [][]located{reach[:cut], reach[cut:]} {
		for _, b := range g.binaries {
			var names []string
			usual := time.Duration(0)
			for _, t := range part {
				if t.b == b {
					names, usual = append(names, t.name), usual+t.took
				}
			}
			if len(names) == 0 {
				continue
			}
			r.Outcome = survived
			limit := max(leastPatience, time.Duration(g.patience*float64(usual)))
			out, err := g.start(ctx, b, []string{fmt.Sprintf("%s=%d", on.Mutant, m.number)}, limit,
				"-test.failfast", "-test.run", "^("+strings.Join(names, "|")+")$")
			if err != nil {
				r.Outcome, r.By = killed, failedTest(out)
				return r
			}
		}
	}
	return r
}

// failedTest is the name of the first test that failed, or the reason.
func failedTest(out string) string {
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(line, "--- FAIL: "); ok {
			return strings.Fields(name)[0]
		}
	}
	for _, what := range []string{"timed out", "panic", "fatal error", "signal"} {
		if strings.Contains(out, what) {
			return what
		}
	}
	return "ended"
}

// start runs a test binary and kills it, with its children, when the time has passed.
func (g *group) start(ctx context.Context, b *binary, env []string, limit time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.path, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), env...)
	killWithChildren(cmd)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() == context.DeadlineExceeded {
		out.WriteString("\ntimed out\n")
	}
	return out.String(), err
}

// parallel calls f for each value, -jobs at the same time. The first error ends it.
func parallel[T any](ctx context.Context, jobs int, values []T, f func(n int, v T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, jobs)
	var wg sync.WaitGroup
	for n, v := range values {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(n, v); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
