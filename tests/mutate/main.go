package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	number   int
	race     bool
	seed     uint64
	jobs     int
	journal  string
	list     string
	least    float64
	dry      bool
	patience float64
	limit    time.Duration
	budget   time.Duration
	short    bool
	again    bool
	tests    string
	match    string
	also     string
	out, log io.Writer
}

func main() {
	var o options
	flag.IntVar(&o.number, "n", 0, "how many mutants of each group, chosen by -seed; 0 for all")
	flag.Uint64Var(&o.seed, "seed", 1, "chooses the mutants")
	flag.BoolVar(&o.race, "race", false, "compile the tests with the race detector: it notices dropped locks")
	flag.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "how many mutants are tried at the same time")
	flag.StringVar(&o.journal, "journal", "", "file of the results; a run goes on after them")
	flag.StringVar(&o.list, "list", "doc/mutants.md", "page with the equivalent mutants")
	flag.Float64Var(&o.least, "least", 0, "fail if fewer percent are killed")
	flag.BoolVar(&o.dry, "dry", false, "print the mutants and run nothing")
	flag.Float64Var(&o.patience, "patience", 5, "a try ends after so many times the tests' usual duration")
	flag.DurationVar(&o.limit, "limit", 10*time.Second, "a try may take at least this long: the machine may be busy")
	flag.DurationVar(&o.budget, "budget", 0, "of processor time for the tests of one mutant, the cheap ones first; 0 for all tests")
	flag.BoolVar(&o.short, "short", false, "run the tests with -short")
	flag.BoolVar(&o.again, "again", false, "try the survivors of the journal again")
	flag.StringVar(&o.tests, "run", "^(Test|Example)", "pattern of the tests that run")
	flag.StringVar(&o.match, "match", "", "pattern of the mutants that are tried, for example 'drop lock'")
	flag.StringVar(&o.also, "also", "", "directories, with commas: their tests run too, if they reach a mutant")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	o.out, o.log = os.Stdout, os.Stderr
	if err := mutate(ctx, o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func mutate(ctx context.Context, o options, groups []string) error {
	equivalent, err := readList(o.list)
	if err != nil {
		return err
	}
	j, err := openJournal(o.journal)
	if err != nil {
		return err
	}
	defer j.close()
	var faults []error
	for _, name := range groups {
		g := &group{name: name, options: o, equivalent: equivalent, journal: j}
		if err := g.run(ctx, strings.Split(name, "+")); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		g.report()
		if g.score() < o.least {
			faults = append(faults, fmt.Errorf("%s: fewer than %v %% were killed", name, o.least))
		}
		for _, key := range g.stale {
			faults = append(faults, fmt.Errorf("%s: %s lists what no mutant is: %s", name, o.list, key))
		}
	}
	return errors.Join(faults...)
}

// unchanged returns an error if these packages have uncommitted changes. Results must belong to a
// revision.
func unchanged(dirs []string) error {
	out, err := output(exec.Command("git", append([]string{"status", "--porcelain", "--"}, dirs...)...))
	if err != nil {
		return err
	}
	if len(out) > 0 {
		return fmt.Errorf("uncommitted changes:\n%scommit or stash them first", out)
	}
	return nil
}

// output is like cmd.Output, but its error contains what the command wrote to stderr.
func output(cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, exit.Stderr)
	}
	return out, err
}
