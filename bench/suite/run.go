package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"time"

	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/bench/proc"
)

// Generate is the argument that makes the program a load generator.
const Generate = "generate"

// A Config is a run. The zero value of a pattern takes all.
type Config struct {
	Slice             time.Duration
	Rounds            int // slices of each server in each scenario
	Seed              uint64
	Scenarios, Styles *regexp.Regexp
	Bin               string    // where the servers are built
	Progress          io.Writer // what is going on, and what is left out
}

// A Result is what was measured, and what was left out.
type Result struct {
	Config    Config
	Scenarios []Scenario // of which there are readings
	Styles    []Style
	Readings  []Reading
	Notes     []string
	Began     time.Time
}

// Ref is the style that all are compared with.
func (r *Result) Ref() string { return r.Styles[0].Name }

// A run measures scenario after scenario; all servers live from the beginning to the end.
type run struct {
	Config
	*Result
	servers                []*server
	serverCore, clientCore int
	random                 *rand.Rand
	progress               *progress
}

// Run measures until all is done or ctx ends. Whatever was measured is in the Result, with an error too.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	r := &run{Config: cfg, Result: &Result{Config: cfg, Began: time.Now()}, random: rand.New(rand.NewPCG(cfg.Seed, 1))}
	r.progress = newProgress(cfg.Progress)
	if err := r.setUp(); err != nil {
		return r.Result, err
	}
	defer func() {
		for _, v := range r.servers {
			v.end()
		}
		r.progress.clear()
	}()
	chosen := r.choose()
	r.progress.began = time.Now()
	for _, s := range chosen {
		r.progress.total += r.work(s)
	}
	for _, s := range chosen {
		if r.over(ctx) {
			break
		}
		if s.Idle {
			r.memory(ctx, s)
		} else {
			r.scenario(ctx, s)
		}
	}
	if ctx.Err() != nil {
		r.note("stopped early: what follows was measured until then")
	}
	return r.Result, nil
}

// over: stopped, or nothing left to compare with.
func (r *run) over(ctx context.Context) bool { return ctx.Err() != nil || r.servers[0].dead != nil }

func (r *run) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	r.Notes = append(r.Notes, n)
	r.progress.say(n)
}

// setUp finds the cores, builds and starts the servers.
func (r *run) setUp() error {
	cores := proc.Cores()
	r.serverCore, r.clientCore = cores[len(cores)-1], cores[0]
	if len(cores) < 2 {
		r.note("one core only: servers and generator share it; throughput means little, CPU per message is blurred")
	}
	var want []Style
	for i, s := range styles {
		if i == 0 || r.Config.Styles == nil || r.Config.Styles.MatchString(s.Name) {
			want = append(want, s)
		}
	}
	built, err := build(want, r.Bin, r.note)
	if err != nil {
		return err
	}
	if err := proc.Pin(r.clientCore); err != nil {
		return err
	}
	for _, s := range built {
		v, err := start(s, r.serverCore, r.clientCore)
		if err != nil {
			r.note("left out: %s: %v", s.Name, err)
			continue
		}
		r.servers = append(r.servers, v)
		r.Result.Styles = append(r.Result.Styles, s)
	}
	if len(r.servers) == 0 {
		return errors.New("no server to measure")
	}
	if r.Ref() != styles[0].Name {
		r.note("no %s: compared with %s instead", styles[0].Name, r.Ref())
	}
	return nil
}

func (r *run) choose() []Scenario {
	limit := raiseLimit()
	var chosen []Scenario
	for _, s := range scenarios {
		if r.Config.Scenarios != nil && !r.Config.Scenarios.MatchString(s.Name) {
			continue
		}
		if need := uint64(s.Conns + 64); need > limit {
			r.note("left out: %s: needs %d descriptors, the limit is %d (ulimit -n)", s.Name, need, limit)
			continue
		}
		chosen = append(chosen, s)
	}
	return chosen
}

// scenario measures in sittings: connections keep what the kernel has tuned for them, buffer sizes above all, and one
// server's may be luckier than another's for as long as they live; so they are made anew now and then.
func (r *run) scenario(ctx context.Context, s Scenario) {
	r.progress.at = s.Name
	sitting := 4
	if s.Conns > 1000 {
		sitting = r.Rounds // they take long to make
	}
	seq := 0
	for left := r.Rounds; left > 0 && !r.over(ctx); left -= sitting {
		r.open(s)
		seq = r.sit(ctx, s, min(left, sitting), seq)
		for _, v := range r.alive() {
			if err := v.gen.Close(); err != nil {
				r.lose(v, s, err)
			}
		}
	}
	if seq > 0 {
		r.Result.Scenarios = append(r.Result.Scenarios, s)
	}
}

// open makes every server's connections and warms them up.
func (r *run) open(s Scenario) {
	for _, v := range r.alive() {
		err := v.gen.Open(v.addr, s.Shape)
		if err == nil {
			_, err = v.slice(r.Slice / 2) // not a reading
		}
		if err != nil {
			r.lose(v, s, err)
		}
	}
}

// sit runs rounds of slices in random order.
func (r *run) sit(ctx context.Context, s Scenario, rounds, seq int) int {
	for range rounds {
		for _, v := range r.order() {
			if r.over(ctx) {
				return seq
			}
			if v.dead != nil {
				continue // since this round began
			}
			reading, err := v.slice(r.Slice)
			if err != nil {
				r.lose(v, s, err)
				continue
			}
			reading.Scenario, reading.Seq = s.Name, seq
			seq++
			r.Readings = append(r.Readings, reading)
			r.progress.step()
		}
	}
	return seq
}

// order is one round: the servers shuffled, and a slice of the reference before every second one, so that each has one
// of the reference's slices right beside it.
func (r *run) order() []*server {
	alive := r.alive()
	others := append([]*server(nil), alive[min(1, len(alive)):]...)
	r.random.Shuffle(len(others), func(i, k int) { others[i], others[k] = others[k], others[i] })
	if len(others) == 0 {
		return alive
	}
	var order []*server
	for i, v := range others {
		if i%2 == 0 {
			order = append(order, alive[0])
		}
		order = append(order, v)
	}
	return order
}

func (r *run) alive() []*server {
	var alive []*server
	for _, v := range r.servers {
		if v.dead == nil {
			alive = append(alive, v)
		}
	}
	return alive
}

// lose gives a server up; the run goes on with the rest.
func (r *run) lose(v *server, s Scenario, err error) {
	v.dead = v.cause(err)
	r.note("left out from %s on: %s: %v", s.Name, v.Name, v.dead)
}

// memory measures each idle connection in a fresh process: one that has worked keeps what it took for that.
func (r *run) memory(ctx context.Context, s Scenario) {
	r.progress.at = s.Name
	for range max(1, r.Rounds/15) {
		for _, of := range r.alive() {
			if of.Name == "c-again" || r.over(ctx) {
				continue
			}
			v, err := start(of.Style, r.serverCore, r.clientCore)
			if err != nil {
				r.lose(of, s, err)
				continue
			}
			bytes, err := v.idle(s)
			v.end()
			if err != nil {
				r.lose(of, s, err)
				continue
			}
			r.Readings = append(r.Readings, Reading{Scenario: s.Name, Server: of.Name, Bytes: bytes})
			r.progress.step()
		}
	}
	r.Result.Scenarios = append(r.Result.Scenarios, s)
}

// idle is the growth of resident memory for each connection. The first measure comes after a few connections, so that
// what a server makes once is in it.
func (v *server) idle(s Scenario) (float64, error) {
	few := s.Shape
	few.Conns, few.Active = 10, 10
	if _, err := v.hold(few); err != nil {
		return 0, err
	}
	if err := v.gen.Close(); err != nil {
		return 0, err
	}
	before, err := v.resident()
	if err != nil {
		return 0, err
	}
	after, err := v.hold(s.Shape)
	return float64(after-before) / float64(s.Conns), err
}

// hold opens connections, has one message back on each, and measures while they are open.
func (v *server) hold(s load.Shape) (int64, error) {
	if err := v.gen.Open(v.addr, s); err != nil {
		return 0, err
	}
	if _, err := v.gen.Run(0); err != nil {
		return 0, err
	}
	return v.resident()
}
