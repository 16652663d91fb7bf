package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ureactor/ureactor/tests/mutate/on"
)

// A test is one test function, with its duration without a mutant and the mutants that it reaches.
type test struct {
	name    string
	took    time.Duration
	cost    time.Duration // processor time
	reaches map[int]bool
}

const noFailFile = "-rapid.nofailfile"

// measure runs each test alone, without a mutant. It is an error if a test fails then, because its
// failure with a mutant would mean nothing.
func (g *group) measure(ctx context.Context) error {
	for _, b := range g.binaries {
		// Without this flag, package rapid writes a file for each failure to the package's directory.
		if _, _, err := g.start(ctx, b, nil, time.Minute, noFailFile, "-test.list", "^$"); err == nil {
			b.flags = []string{noFailFile}
		}
		out, _, err := g.start(ctx, b, nil, time.Minute, "-test.list", g.options.tests)
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
		err := g.trace(ctx, t, filepath.Join(g.scratch, fmt.Sprintf("reached%d", n)))
		if err != nil && ctx.Err() == nil { // once more, because the machine may have been too busy
			fmt.Fprintf(g.log, "%s: %s failed without a mutant, tried again\n", g.name, t.name)
			err = g.trace(ctx, t, filepath.Join(g.scratch, fmt.Sprintf("again%d", n)))
		}
		return err
	})
}

// trace runs one test without a mutant, and notes which mutants the test reaches.
func (g *group) trace(ctx context.Context, t located, file string) error {
	// A package in which -n has chosen no mutant does not write the file.
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return err
	}
	began := time.Now()
	out, cost, err := g.start(ctx, t.b, []string{on.Reached + "=" + file}, 10*time.Minute, "-test.run", "^"+t.name+"$")
	t.took, t.cost = time.Since(began), cost
	if err != nil {
		return fmt.Errorf("%s: %s fails without a mutant: %w\n%s", t.b.dir, t.name, err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, word := range strings.Fields(string(text)) {
		if number, err := strconv.Atoi(word); err == nil {
			t.reaches[number] = true
		}
	}
	return nil
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
	match, err := regexp.Compile(g.match)
	if err != nil {
		return err
	}
	var left []*mutant
	for _, m := range g.mutants {
		if !match.MatchString(m.key()) {
			continue
		}
		if r, ok := g.results[m.key()]; !ok || g.again && r.Outcome != killed && m.reason == "" {
			left = append(left, m)
		}
	}
	began, done := time.Now(), 0
	var mu sync.Mutex
	return parallel(ctx, g.jobs, left, func(_ int, m *mutant) error {
		r, err := g.try(ctx, m)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		g.results[m.key()] = r
		done++
		rest := time.Since(began) / time.Duration(done) * time.Duration(len(left)-done)
		fmt.Fprintf(g.log, "%s: %d of %d, %v left: %s %s\n", g.name, done, len(left), rest.Round(time.Second), r.Outcome, m.key())
		return g.journal.add(g.name, r)
	})
}

// batches divides the tests, which are sorted by cost, into parts. The limit of the first part is
// 100 ms, and each later limit is four times the one before. A single test may exceed it. When the
// sum of the costs reaches -budget, the other tests are left out.
func (g *group) batches(tests []located) (parts [][]located) {
	spent := time.Duration(0)
	for limit := 100 * time.Millisecond; len(tests) > 0 && (g.budget == 0 || spent < g.budget); limit *= 4 {
		n, sum := 0, time.Duration(0)
		for n < len(tests) && (n == 0 || sum+tests[n].cost <= limit) {
			sum, n = sum+tests[n].cost, n+1
		}
		spent += sum
		parts, tests = append(parts, tests[:n]), tests[n:]
	}
	return parts
}

// try runs the tests that reach a mutant. The cheapest tests run first.
func (g *group) try(ctx context.Context, m *mutant) (result, error) {
	r := result{Key: m.key(), Line: m.line, Outcome: unreached}
	reach := slices.DeleteFunc(g.tests(), func(t located) bool { return !t.reaches[m.number] })
	slices.SortFunc(reach, func(a, b located) int { return int(a.cost - b.cost) })
	for _, part := range g.batches(reach) {
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
			limit := max(g.limit, time.Duration(g.patience*float64(usual)))
			out, _, err := g.start(ctx, b, []string{fmt.Sprintf("%s=%d", on.Mutant, m.number)}, limit,
				"-test.failfast", "-test.run", "^("+strings.Join(names, "|")+")$")
			if ctx.Err() != nil {
				return r, ctx.Err()
			}
			if err != nil {
				r.Outcome, r.By = killed, failedTest(out)
				return r, g.room()
			}
		}
	}
	return r, nil
}

// room returns an error if the disk is full, because a test may have failed for this reason.
func (g *group) room() error {
	f, err := os.CreateTemp(g.scratch, "room")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 1<<16))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// failedTest returns the name of the first test that failed. If no test failed, it returns the
// reason why the binary ended.
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

// start runs a test binary. After the time limit it kills the binary and its children. It removes
// the temporary files that the test leaves.
func (g *group) start(ctx context.Context, b *binary, env []string, limit time.Duration, args ...string) (out string, cost time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	temp := filepath.Join(g.scratch, fmt.Sprint(g.tries.Add(1)))
	if err := os.Mkdir(temp, 0o700); err != nil {
		return "", 0, err
	}
	defer os.RemoveAll(temp)
	if g.short {
		args = append(args, "-test.short")
	}
	cmd := exec.CommandContext(ctx, b.path, append(args, b.flags...)...)
	cmd.Dir = b.dir
	cmd.Env = append(append(os.Environ(), "TMPDIR="+temp), env...)
	withChildren(cmd)
	cmd.WaitDelay = time.Second
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	err = cmd.Run()
	if cmd.Process != nil {
		_ = killChildren(cmd) // ESRCH means that none is left
	}
	if s := cmd.ProcessState; s != nil {
		cost = s.UserTime() + s.SystemTime()
	}
	if ctx.Err() == context.DeadlineExceeded {
		text.WriteString("\ntimed out\n")
	}
	return text.String(), cost, err
}

// parallel calls f for each value, at most jobs times at the same time. The first error ends it.
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
