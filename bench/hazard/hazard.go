// Package hazard confronts every server with difficult peers. It does not depend on the code of the
// servers, and starts a fresh process for each row.
package hazard

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/bench/proc"
	"github.com/ureactor/ureactor/bench/server"
)

// A Row is one hazard.
type Row struct {
	Name string
	Pass string // the condition for passing
	// Needs returns why the row does not apply to a style, or "" if it applies.
	Needs    func(server.Style) string
	Files    int      // the server's descriptor limit; 0: the suite's
	Args     []string // the server's arguments
	Protocol string   // of the server and the clients; "" is the echo
	Tries    int      // how often a row may run until it passes, as machines are busy; 0: once
	// Run has the server to itself. An error means that the row has failed. figure is the measured
	// value in either case.
	Run func(t *Target) (figure string, err error)
}

// A Target is the server of one row.
type Target struct {
	*server.Process
	Seed     uint64
	Quick    bool
	bulk     func() (*load.Client, error)
	protocol string
}

// A Verdict is one cell of the scoreboard.
type Verdict struct {
	Row, Server string
	Outcome     string // pass, fail, or "" if the row does not apply
	Figure      string // the measured value, or why the row does not apply
	Error       string
}

// A Config configures a run of the scoreboard.
type Config struct {
	Rows, Styles *regexp.Regexp
	Seed         uint64
	Quick        bool
	Bin          string
	Generate     string // the argument with which this program is a load generator
	Progress     io.Writer
}

// A Board has the results.
type Board struct {
	Began    time.Time
	Seed     uint64
	Rows     []Row
	Styles   []server.Style
	Verdicts []Verdict
	Notes    []string
}

// Red returns the failures of our servers.
func (b *Board) Red() []Verdict {
	ours := map[string]bool{}
	for _, s := range b.Styles {
		ours[s.Name] = s.Ours
	}
	var red []Verdict
	for _, v := range b.Verdicts {
		if v.Outcome == "fail" && ours[v.Server] {
			red = append(red, v)
		}
	}
	return red
}

// Run fills the board, row by row, until it is full or ctx ends.
func Run(ctx context.Context, cfg Config) (*Board, error) {
	b := &Board{Began: time.Now(), Seed: cfg.Seed}
	say := func(format string, args ...any) {
		b.Notes = append(b.Notes, fmt.Sprintf(format, args...))
		fmt.Fprintf(cfg.Progress, format+"\n", args...)
	}
	var want []server.Style
	for _, s := range server.All {
		if s.Name != "c-again" && (cfg.Styles == nil || cfg.Styles.MatchString(s.Name)) {
			want = append(want, s)
		}
	}
	var err error
	if b.Styles, err = server.Build(want, cfg.Bin, say); err != nil {
		return b, err
	}
	cores := proc.Cores()
	core := cores[len(cores)-1]
	bulk := func() (*load.Client, error) { return load.Start(cores[0], cfg.Generate) }
	if err := proc.Pin(cores[0]); err != nil {
		return b, err
	}
	for _, row := range rows {
		if cfg.Rows == nil || cfg.Rows.MatchString(row.Name) {
			b.Rows = append(b.Rows, row)
		}
	}
	done, all := 0, len(b.Rows)*len(b.Styles)
	for _, row := range b.Rows {
		for _, s := range b.Styles {
			if ctx.Err() != nil {
				say("stopped early")
				return b, nil
			}
			v := b.best(row, s, core, Target{Seed: b.Seed, Quick: cfg.Quick, bulk: bulk})
			b.Verdicts = append(b.Verdicts, v)
			done++
			left := time.Duration(float64(time.Since(b.Began)) / float64(done) * float64(all-done))
			fmt.Fprintf(cfg.Progress, "%3d %%  %-22s %-10s %-4s %s %s  (%v left)\n", 100*done/all, row.Name, s.Name, v.Outcome, v.Figure, v.Error, left.Round(time.Second))
		}
	}
	return b, nil
}

// best repeats a row until it passes, but not more often than the row allows.
func (b *Board) best(row Row, s server.Style, core int, t Target) Verdict {
	v := b.try(row, s, core, t)
	for n := 1; n < row.Tries && v.Outcome == "fail"; n++ {
		v = b.try(row, s, core, t)
	}
	return v
}

// try runs one row against one server, in a new process.
func (b *Board) try(row Row, s server.Style, core int, t Target) Verdict {
	v := Verdict{Row: row.Name, Server: s.Name}
	if !s.Speaks(row.Protocol) {
		v.Figure = "no " + map[string]string{"": "echo", "tls": "TLS", "http": "HTTP", "frame": "frames",
			"websocket": "WebSocket", "deflate": "compression"}[row.Protocol]
		return v
	}
	if row.Needs != nil {
		if v.Figure = row.Needs(s); v.Figure != "" {
			return v
		}
	}
	args := row.Args
	if t.protocol = row.Protocol; row.Protocol != "" {
		args = append([]string{"-protocol", row.Protocol}, args...)
	}
	p, err := server.Launch(s, core, "tcp", row.Files, args...)
	if err != nil {
		v.Outcome, v.Error = "fail", err.Error()
		return v
	}
	defer p.Kill()
	t.Process = p
	v.Figure, err = withLimit(row, &t)
	if ended, how := p.Ended(100 * time.Millisecond); ended && !p.Stopping {
		v.Figure = "the process ends"
		err = fmt.Errorf("the server died: %v", how)
	}
	v.Outcome = "pass"
	if err != nil {
		v.Outcome, v.Error = "fail", err.Error()
	}
	return v
}

// rowLimit is the time limit of one row against one server. A server that hangs fails the row.
const rowLimit = time.Minute

func withLimit(row Row, t *Target) (string, error) {
	type result struct {
		figure string
		err    error
	}
	ended := make(chan result, 1)
	go func() {
		figure, err := row.Run(t)
		ended <- result{figure, err}
	}()
	select {
	case r := <-ended:
		return r.figure, r.err
	case <-time.After(rowLimit):
		return "hangs", fmt.Errorf("not over after %v", rowLimit)
	}
}
