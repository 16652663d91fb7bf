//go:build linux

// Command bench has four parts. The benchmark suite is go -C bench run . [flags]. The scoreboard is
// go -C bench run . hazards [flags]. The measurement of datagrams is go -C bench run . udp [flags].
// The regression guard is go -C bench run . guard [flags]. See README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/bench/bulk"
	"github.com/ureactor/ureactor/bench/guard"
	"github.com/ureactor/ureactor/bench/hazard"
	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/bench/proc"
	"github.com/ureactor/ureactor/bench/suite"
)

func main() {
	command, args := measure, os.Args[1:]
	if len(args) > 0 {
		switch args[0] {
		case suite.Generate:
			command, args = func(context.Context, []string) error { return load.Serve(os.Stdin, os.Stdout) }, nil
		case "hazards":
			command, args = hazards, args[1:]
		case "udp":
			command, args = datagrams, args[1:]
		case "guard":
			command, args = check, args[1:]
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, args); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

const (
	fullSlice, fullRounds   = 80 * time.Millisecond, 30
	quickSlice, quickRounds = 30 * time.Millisecond, 6
)

// common are the flags that the suite and the scoreboard share.
type common struct {
	*flag.FlagSet
	quick            *bool
	run, servers     *string
	seed             *uint64
	dir, readme      *string
	chosen, contends *regexp.Regexp
}

func newFlags(name, what string) *common {
	fs := flag.NewFlagSet(name, flag.ExitOnError)
	return &common{
		FlagSet: fs,
		quick:   fs.Bool("quick", false, "under 3 minutes: less of everything"),
		run:     fs.String("run", "", "only "+what+" that match this `regexp`"),
		servers: fs.String("servers", "", "only servers that match this `regexp`"),
		seed:    fs.Uint64("seed", uint64(time.Now().UnixNano()), "of everything random"),
		dir:     fs.String("report", "report", "`directory` of the report"),
		readme:  fs.String("readme", "", "write the table into this `file` too, between its markers"),
	}
}

func (c *common) parse(args []string) (err error) {
	c.Parse(args)
	if c.NArg() > 0 {
		return fmt.Errorf("no argument follows the flags: %q", c.Args())
	}
	if c.chosen, err = regexp.Compile(*c.run); err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	if c.contends, err = regexp.Compile(*c.servers); err != nil {
		return fmt.Errorf("-servers: %w", err)
	}
	if _, err := os.Stat("c/epoll.c"); err != nil {
		return fmt.Errorf("run me in my own directory: go -C bench run . (%w)", err)
	}
	return nil
}

func measure(ctx context.Context, args []string) error {
	f := newFlags("bench", "scenarios")
	slice := f.Duration("slice", 0, fmt.Sprintf("length of a slice (default %v; %v with -quick)", fullSlice, quickSlice))
	rounds := f.Int("rounds", 0, fmt.Sprintf("slices of each server in each scenario (default %d; %d with -quick)", fullRounds, quickRounds))
	f.IntVar(&proc.Nice, "nice", 0, "priority of servers and generators: below 0 keeps other work on the machine out of the readings")
	resume := f.Bool("resume", false, "go on with the run that was interrupted, in its report's directory and with its settings")
	if err := f.parse(args); err != nil {
		return err
	}
	cfg := suite.Config{Slice: fullSlice, Rounds: fullRounds, Seed: *f.seed, Quick: *f.quick, Scenarios: f.chosen, Styles: f.contends,
		Bin: "bin", Dir: *f.dir, Resume: *resume, Progress: os.Stderr}
	if *f.quick {
		cfg.Slice, cfg.Rounds = quickSlice, quickRounds
	}
	if *slice < 0 || *rounds < 0 {
		return fmt.Errorf("-slice %v and -rounds %d must not be negative", *slice, *rounds)
	}
	if *slice > 0 {
		cfg.Slice = *slice
	}
	if *rounds > 0 {
		cfg.Rounds = *rounds
	}
	result, err := suite.Run(ctx, cfg)
	if err != nil {
		return err
	}
	result.Markdown(os.Stdout)
	if err := result.Write(*f.dir); err != nil || *f.readme == "" {
		return err
	}
	return result.Page(*f.readme)
}

func check(_ context.Context, args []string) error {
	f := newFlags("bench guard", "nothing")
	if err := f.parse(args); err != nil {
		return err
	}
	return guard.Run("bin", suite.Generate, os.Stdout)
}

func datagrams(ctx context.Context, args []string) error {
	f := newFlags("bench udp", "nothing")
	slice := f.Duration("slice", fullSlice, "length of a slice")
	rounds := f.Int("rounds", fullRounds, "slices of each contender")
	if err := f.parse(args); err != nil {
		return err
	}
	if *slice < 0 || *rounds < 1 {
		return fmt.Errorf("-slice %v must not be negative, and -rounds %d must be 1 or more", *slice, *rounds)
	}
	var table strings.Builder
	err := bulk.Run(ctx, *rounds, *slice, *f.seed, &table)
	fmt.Print(table.String())
	if err != nil || *f.readme == "" {
		return err
	}
	return suite.Replace(*f.readme, "udp bulk table", table.String())
}

func hazards(ctx context.Context, args []string) error {
	f := newFlags("bench hazards", "rows")
	if err := f.parse(args); err != nil {
		return err
	}
	b, err := hazard.Run(ctx, hazard.Config{Rows: f.chosen, Styles: f.contends, Seed: *f.seed, Quick: *f.quick, Bin: "bin",
		Generate: suite.Generate, Progress: os.Stderr})
	if err != nil {
		return err
	}
	b.Markdown(os.Stdout)
	if err := b.Write(*f.dir); err != nil {
		return err
	}
	if *f.readme != "" {
		var table strings.Builder
		b.Table(&table)
		if err := suite.Replace(*f.readme, "hazard table", table.String()); err != nil {
			return err
		}
	}
	if red := b.Red(); len(red) > 0 {
		return fmt.Errorf("%d of ours are red", len(red))
	}
	return nil
}
