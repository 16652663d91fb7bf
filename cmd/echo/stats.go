package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ureactor/ureactor/internal/inspector"
	"github.com/ureactor/ureactor/reactor"
)

// report prints figures until ended is closed. It has its own goroutine and follows its own clock,
// so a slow terminal does not stop the loop, and an idle loop stays idle.
func report(how style, every time.Duration, w io.Writer, ended <-chan struct{}) {
	if every == 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	last, at := how.stats(), time.Now()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		s, now := how.stats(), time.Now()
		fmt.Fprintln(w, figures(last, s, now.Sub(at)))
		last, at = s, now
	}
}

// figures returns one line: how many objects are open, and the rates since last. A message is one
// read or one datagram.
func figures(last, s reactor.Stats, d time.Duration) string {
	rate := func(from, to uint64) float64 { return float64(to-from) / max(d, time.Nanosecond).Seconds() }
	return fmt.Sprintf("conns %d, msgs/s %.0f, MiB/s %.2f, loop turns/s %.0f",
		s.Conns,
		rate(last.Reads+last.PacketsIn, s.Reads+s.PacketsIn),
		rate(last.BytesIn, s.BytesIn)/(1<<20),
		rate(last.Turns, s.Turns))
}

// printPictures prints at each signal what the loops do. It returns when ended is closed.
func printPictures(g *reactor.Group, w io.Writer, signals <-chan os.Signal, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-signals:
			_ = inspector.WriteText(w, g.Loops()) // standard output may be closed
		}
	}
}
