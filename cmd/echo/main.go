// Command echo sends back what it receives, over TCP, UDP and Unix sockets, all on one event loop. It is the demo of
// package reactor, and small on purpose. See echo -h.
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

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/reactor"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, signals))
}

// run is the program. It returns the exit code: 0 after a drain that delivered everything, 1 after one that did not, 2 if
// it never served, with one line on stderr that says why.
func run(args []string, stdout, stderr io.Writer, signals <-chan os.Signal) int {
	cfg, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(stdout)
		return 0
	}
	if err != nil {
		return refuse(stderr, err)
	}
	level := zap.NewAtomicLevelAt(zapcore.ErrorLevel) // until it serves: what keeps it from that is one line
	log := newLogger(stderr, level)
	r, err := reactor.New(reactor.WithLogger(log))
	if err != nil {
		return refuse(stderr, err)
	}
	lines, err := listen(r, cfg, log)
	if err != nil {
		_ = r.Shutdown(context.Background()) // gives back what is listening already
		return refuse(stderr, err)
	}
	level.SetLevel(cfg.log)
	for _, line := range lines {
		fmt.Fprintln(stdout, line)
	}
	return serve(r, cfg, stdout, log, signals)
}

// serve runs the loop on this goroutine and, beside it, what waits for signals and what prints figures.
func serve(r *reactor.Reactor, cfg *config, stdout io.Writer, log *zap.Logger, signals <-chan os.Signal) int {
	ended := make(chan struct{})
	helpers := make(chan struct{}, 2)
	go func() {
		drainAtSignal(r, cfg.drain, log, signals, ended)
		helpers <- struct{}{}
	}()
	go func() {
		report(r, cfg.stats, stdout, ended)
		helpers <- struct{}{}
	}()
	err := r.Run(context.Background())
	close(ended)
	<-helpers
	<-helpers
	var undelivered *reactor.UndeliveredError
	switch {
	case errors.As(err, &undelivered):
		log.Error("not everything could be delivered",
			zap.Int64("bytes", undelivered.Bytes), zap.Int("conns", undelivered.Conns))
		return 1
	case err != nil:
		log.Error("the loop failed", zap.Error(err))
		return 1
	}
	return 0
}

// drainAtSignal begins the drain at the first signal and ends it at the second, or when its time is up.
func drainAtSignal(r *reactor.Reactor, limit time.Duration, log *zap.Logger, signals <-chan os.Signal, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case s := <-signals:
		log.Info("stopping; a second signal ends at once", zap.Stringer("signal", s), zap.Duration("drain", limit))
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	drained := make(chan struct{})
	go func() {
		_ = r.Shutdown(ctx) // Run returns the same
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

// refuse says on one line why there will be no service.
func refuse(stderr io.Writer, err error) int {
	text := strings.TrimPrefix(err.Error(), "reactor: ")
	fmt.Fprintln(stderr, "echo:", strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(text))
	return 2
}

func newLogger(w io.Writer, level zapcore.LevelEnabler) *zap.Logger {
	enc := zap.NewDevelopmentEncoderConfig()
	enc.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(enc), zapcore.Lock(zapcore.AddSync(w)), level))
}
