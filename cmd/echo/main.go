package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/reactor"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, signals))
}

// run is the whole program. It returns the exit code: 0 after a drain that has delivered all
// output, 1 after a drain that has not, and 2 if the server could not start. With 2, one line on
// stderr gives the reason.
func run(args []string, stdout, stderr io.Writer, signals <-chan os.Signal) int {
	pictures := make(chan os.Signal, 1)
	notifyPictures(pictures)
	defer signal.Stop(pictures)
	cfg, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(stdout)
		return 0
	}
	if err != nil {
		return refuse(stderr, err)
	}
	out := &logLines{w: stderr}
	// This is the level until the server has started, because a failure to start must be one line on
	// stderr.
	out.setLevel(zapcore.ErrorLevel)
	log := zaplog.New(logCore{out, nil})
	g, err := reactor.NewGroup(cfg.loops, reactor.WithLogger(log))
	if err != nil {
		return refuse(stderr, err)
	}
	how := newStyle(g, cfg, log)
	lines, err := listen(how, cfg)
	if err != nil {
		_ = how.shutdown(context.Background()) // closes the listeners that are already open
		return refuse(stderr, err)
	}
	look, err := newPages(cfg, g, out, log)
	if err != nil {
		_ = how.shutdown(context.Background())
		return refuse(stderr, err)
	}
	out.setLevel(cfg.log)
	if look != nil {
		lines = append(lines, look.line)
		go look.serve()
		defer look.close()
	}
	for _, line := range lines {
		fmt.Fprintln(stdout, line)
	}
	return serve(g, how, cfg, stdout, log, signals, pictures)
}

// A style is one way to write the server.
type style interface {
	listen(address) (at fmt.Stringer, err error)
	stats() reactor.Stats
	// lost returns the output that was not delivered, in addition to what the reactor reports.
	lost() reactor.UndeliveredError
	shutdown(context.Context) error // drains the server, including the Group
}

func newStyle(g *reactor.Group, cfg *config, log *zaplog.Logger) style {
	switch cfg.style {
	case "task":
		return &tasks{g: g, r: g.Loops()[0], cfg: cfg, log: log}
	case "net":
		return newNetStyle(g, cfg, log)
	}
	return &callbacks{g, cfg, echo{log}, packetEcho{log}}
}

// listen opens all addresses. If one fails, it opens none. It returns a line for each address.
func listen(how style, cfg *config) (lines []string, err error) {
	for _, a := range cfg.addrs {
		at, err := how.listen(a)
		if err != nil {
			return nil, a.hint(err)
		}
		lines = append(lines, a.line(at, cfg.tls != nil))
	}
	return lines, nil
}

// serve runs the loops. One more goroutine handles the signals that end the program, one prints
// figures, and one prints pictures.
func serve(g *reactor.Group, how style, cfg *config, stdout io.Writer, log *zaplog.Logger, signals, pictures <-chan os.Signal) int {
	ended := make(chan struct{})
	helpers := make(chan struct{}, 3)
	go func() {
		drainAtSignal(how, cfg.drain, log, signals, ended)
		helpers <- struct{}{}
	}()
	go func() {
		report(how, cfg.stats, stdout, ended)
		helpers <- struct{}{}
	}()
	go func() {
		printPictures(g, stdout, pictures, ended)
		helpers <- struct{}{}
	}()
	err := g.Run(context.Background())
	close(ended)
	for range cap(helpers) {
		<-helpers
	}
	lost := how.lost()
	if u := (*reactor.UndeliveredError)(nil); errors.As(err, &u) {
		lost.Bytes += u.Bytes
		lost.Conns += u.Conns
		err = nil
	}
	switch {
	case err != nil:
		log.Error("a loop failed", zaplog.Error(err))
		return 1
	case lost.Bytes > 0:
		log.Error("not everything could be delivered",
			zaplog.Int("bytes", lost.Bytes), zaplog.Int("conns", lost.Conns))
		return 1
	}
	return 0
}

// drainAtSignal starts the drain at the first signal. It ends the drain at the second signal, or
// when the time limit has passed.
func drainAtSignal(how style, limit time.Duration, log *zaplog.Logger, signals <-chan os.Signal, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case s := <-signals:
		log.Info("stopping; a second signal ends at once", zaplog.Stringer("signal", s), zaplog.Duration("drain", limit))
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	drained := make(chan struct{})
	go func() {
		_ = how.shutdown(ctx) // Run returns the same error
		close(drained)
	}()
	select {
	case <-drained:
		return
	case <-signals:
		cancel()
	}
	<-drained
}

// refuse prints one line with the reason why the server does not start.
func refuse(stderr io.Writer, err error) int {
	text := strings.TrimPrefix(err.Error(), "reactor: ")
	fmt.Fprintln(stderr, "echo:", strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(text))
	return 2
}
