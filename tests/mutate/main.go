package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
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
	flag.Float64Var(&o.patience, "patience", 5, "a try ends after so many times the tests' usual duration, and 20 s")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
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
	low := false
	for _, name := range groups {
		g := &group{name: name, options: o, equivalent: equivalent, journal: j}
		if err := g.run(ctx, strings.Split(name, "+")); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		g.report(os.Stdout)
		low = low || g.score() < o.least
	}
	if low {
		return fmt.Errorf("fewer than %v %% were killed", o.least)
	}
	return nil
}

// unchanged returns an error if the tree has uncommitted changes of these packages: a journal and
// the numbers of its mutants would not fit them.
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

// output is cmd.Output with what the command has written to stderr in the error.
func output(cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, exit.Stderr)
	}
	return out, err
}
