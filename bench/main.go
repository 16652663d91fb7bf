//go:build linux

// The benchmark suite: go -C bench run . [flags]. See README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/bench/proc"
	"github.com/ureactor/ureactor/bench/suite"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == suite.Generate {
		if err := load.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "generator:", err)
			os.Exit(1)
		}
		return
	}
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

const (
	fullSlice, fullRounds   = 120 * time.Millisecond, 30
	quickSlice, quickRounds = 40 * time.Millisecond, 6
)

func measure() error {
	quick := flag.Bool("quick", false, "under 3 minutes: fewer, shorter slices (-slice and -rounds still count)")
	scenarios := flag.String("run", "", "only scenarios that match this `regexp`")
	servers := flag.String("servers", "", "only servers that match this `regexp`, and the reference")
	slice := flag.Duration("slice", 0, fmt.Sprintf("length of a slice (default %v; %v with -quick)", fullSlice, quickSlice))
	rounds := flag.Int("rounds", 0, fmt.Sprintf("slices of each server in each scenario (default %d; %d with -quick)", fullRounds, quickRounds))
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the order of the slices")
	flag.IntVar(&proc.Nice, "nice", 0, "priority of servers and generators: below 0 keeps other work on the machine out of the readings")
	dir := flag.String("report", "report", "`directory` of the report")
	resume := flag.Bool("resume", false, "go on with the run that was interrupted, in its report's directory and with its settings")
	flag.Parse()
	cfg := suite.Config{Slice: fullSlice, Rounds: fullRounds, Seed: *seed, Bin: "bin", Dir: *dir, Resume: *resume, Progress: os.Stderr}
	if *quick {
		cfg.Slice, cfg.Rounds = quickSlice, quickRounds
	}
	if *slice < 0 || *rounds < 0 || flag.NArg() > 0 {
		return fmt.Errorf("-slice %v and -rounds %d must not be negative, and no argument follows the flags (%q)", *slice, *rounds, flag.Args())
	}
	if *slice > 0 {
		cfg.Slice = *slice
	}
	if *rounds > 0 {
		cfg.Rounds = *rounds
	}
	var err error
	if cfg.Scenarios, err = regexp.Compile(*scenarios); err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	if cfg.Styles, err = regexp.Compile(*servers); err != nil {
		return fmt.Errorf("-servers: %w", err)
	}
	if _, err := os.Stat("c/epoll.c"); err != nil {
		return fmt.Errorf("run me in my own directory: go -C bench run . (%w)", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	result, err := suite.Run(ctx, cfg)
	if err != nil {
		return err
	}
	result.Markdown(os.Stdout)
	return result.Write(*dir)
}
