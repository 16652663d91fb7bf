package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A row is one use of a program. Its result must be equal over every stack, but its cost may
// differ.
type row struct {
	name   string
	needs  string // the program
	stacks []string
	run    func(ctx context.Context, s *server) (result, error)
}

type result struct {
	says string // what the program reports; it must be the same over every stack
	cost        // zero if the row measures no rate
}

type cost struct {
	requests int
	took     time.Duration
	cpu      time.Duration // of the server
}

var (
	plain  = []string{"net", "netconn"}
	secure = []string{"net", "netconn", "netconn's TLS"}
)

var rows = []row{
	{"h2load, HTTP/2 over TLS, 20 connections × 20 streams", "h2load", secure, h2load("https", "-n", "10000", "-c", "20", "-m", "20")},
	{"h2load, HTTP/1.1, 20 connections", "h2load", plain, h2load("http", "--h1", "-n", "10000", "-c", "20")},
	{"h2load, 300 TLS connections at once, a request each", "h2load", secure, h2load("https", "-n", "300", "-c", "300")},
	{"wrk, 50 connections, 2 s", "wrk", plain, wrk("http", 50)},
	{"wrk, 1 connection, 2 s", "wrk", plain, wrk("http", 1)},
	{"wrk over TLS, 50 connections, 2 s", "wrk", secure, wrk("https", 50)},
	{"slowhttptest, 200 slow headers", "slowhttptest", plain, slow("-H", "-i", "1")},
	{"slowhttptest, 200 slow bodies", "slowhttptest", plain, slow("-B", "-i", "1", "-s", "8192")},
	{"slowhttptest, 200 slow readers", "slowhttptest", plain, slow("-X", "-w", "64", "-y", "128", "-n", "1", "-z", "8", "-k", "3")},
	{"testssl.sh, all checks", "testssl", secure, testssl},
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		serve(os.Args[2], os.Args[3])
		return
	}
	rounds := flag.Int("rounds", 3, "how often each row with a rate runs over each stack")
	only := flag.String("run", "", "only rows that match this `regexp`")
	readme := flag.String("readme", "", "write the table into this `file`, between its markers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *only, *readme); err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, only, readme string) error {
	chosen, err := regexp.Compile(only)
	if err != nil || rounds < 1 {
		return fmt.Errorf("-run %q and -rounds %d: must be a regexp, and 1 or more: %w", only, rounds, err)
	}
	dir, err := os.MkdirTemp("", "clients")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := certificate(dir); err != nil {
		return err
	}
	t := &table{began: time.Now()}
	for _, r := range rows {
		switch _, err := exec.LookPath(r.needs); {
		case !chosen.MatchString(r.name):
			continue
		case err != nil:
			t.missing = append(t.missing, r.needs)
			continue
		}
		fmt.Fprintln(os.Stderr, r.name)
		if err := t.add(ctx, r, rounds, dir); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	text := t.text()
	fmt.Print(text)
	if readme != "" {
		if err := replace(readme, text); err != nil {
			return err
		}
	}
	if len(t.wrong) > 0 {
		return errors.New("not as over package net: " + strings.Join(t.wrong, "; "))
	}
	return nil
}

// add runs a row over all its stacks. Each round reverses their order.
func (t *table) add(ctx context.Context, r row, rounds int, dir string) error {
	all := map[string][]result{}
	for round := range rounds {
		order := slices.Clone(r.stacks)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, stack := range order {
			got, err := once(ctx, r, stack, dir)
			if err != nil {
				return fmt.Errorf("over %s: %w", stack, err)
			}
			all[stack] = append(all[stack], got)
		}
		if all[plain[0]][0].requests == 0 { // the row measures no rate
			break
		}
	}
	t.rows = append(t.rows, measured{r, all})
	return nil
}

// once starts a server and runs a row against it. Afterwards the server must have as many open
// descriptors as before.
func once(ctx context.Context, r row, stack, dir string) (got result, err error) {
	s, err := start(ctx, stack, dir)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if !answers(s.url("http")) || !answers(s.url("https")) { // it opens some files once
		return got, errors.New("the server does not answer")
	}
	before, err := s.idle()
	if err != nil {
		return got, err
	}
	if got, err = r.run(ctx, s); err != nil {
		return got, err
	}
	after, err := s.settled(before.files)
	got.cpu = after.cpu - before.cpu
	if after.files > before.files {
		got.says += fmt.Sprintf("; %d descriptors are left open", after.files-before.files)
	}
	return got, err
}
