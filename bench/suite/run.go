package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"

	"github.com/ureactor/ureactor/bench/proc"
	"github.com/ureactor/ureactor/bench/server"
)

// Generate is the argument with which the program is a load generator.
const Generate = "generate"

// A Config configures a run. An empty pattern matches everything.
type Config struct {
	Slice             time.Duration
	Rounds            int // slices of each server in each scenario
	Seed              uint64
	Quick             bool           // leave out what only a full run needs
	Scenarios, Styles *regexp.Regexp `json:"-"`
	Bin               string         `json:"-"` // where the servers are built
	Dir               string         `json:"-"` // for the report, and for the journal during the run
	Resume            bool           `json:"-"` // continue the run whose journal is in Dir
	Progress          io.Writer      `json:"-"` // for the progress, and for what is left out
}

// A Result has the measurements, and what was left out.
type Result struct {
	Config    Config
	Scenarios []Scenario // those with readings
	Styles    []server.Style
	Readings  []Reading
	Notes     []string
	Began     time.Time
}

// Ref returns the style with which all others are compared.
func (r *Result) Ref() string { return r.Styles[0].Name }

// A run measures one scenario after another.
type run struct {
	Config
	*Result
	servers                []*contender // for tcp, without arguments; they live for the whole run
	serverCore, clientCore int
	random                 *rand.Rand
	progress               *progress
	journal                *journal
	saturation             map[string]float64 // the reference's, for loads at a fixed rate; see rate
}

// Run measures until everything is finished or ctx ends. The Result has the measurements so far,
// even if there is an error.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	r := &run{Config: cfg, Result: &Result{Config: cfg, Began: time.Now()}, saturation: map[string]float64{}}
	r.progress = newProgress(cfg.Progress)
	var err error
	if r.journal, err = openJournal(r); err != nil {
		return r.Result, err
	}
	defer r.journal.close()
	r.random = rand.New(rand.NewPCG(r.Seed, 1))
	chosen := r.choose()
	if err := r.setUp(chosen); err != nil {
		return r.Result, err
	}
	defer func() {
		for _, v := range r.servers {
			v.end()
		}
		r.progress.clear()
	}()
	r.measure(ctx, chosen)
	if ctx.Err() != nil {
		r.note("stopped early: what follows was measured until then; -resume goes on")
	}
	return r.Result, r.journal.err
}

func (r *run) measure(ctx context.Context, chosen []Scenario) {
	r.progress.began = time.Now()
	for _, s := range chosen {
		if !r.journal.done[s.Name] {
			r.progress.total += r.work(s)
		}
	}
	for _, s := range chosen {
		if r.journal.done[s.Name] {
			r.Result.Scenarios = append(r.Result.Scenarios, s)
			continue
		}
		if r.over(ctx) {
			return
		}
		before := len(r.Readings)
		switch {
		case s.Idle:
			r.memory(ctx, s)
		case s.plain():
			r.scenario(ctx, s, slices.DeleteFunc(slices.Clone(r.servers), func(v *contender) bool { return !s.fits(v.Style) }))
		default:
			r.apart(ctx, s)
		}
		r.journal.finish(s.Name, r.Readings[before:], ctx.Err() == nil)
	}
}

// apart measures with servers that exist only for this scenario.
func (r *run) apart(ctx context.Context, s Scenario) {
	styles := r.contenders(s)
	if len(styles) == 0 || styles[0].Name != r.ref(s) {
		r.note("left out: %s: there is no %s to compare with", s.Name, r.ref(s))
		return
	}
	var servers []*contender
	for _, of := range styles {
		v, err := r.start(of, s.network(), s.args()...)
		if err != nil {
			r.note("left out of %s: %s: %v", s.Name, of.Name, err)
			continue
		}
		defer v.end()
		servers = append(servers, v)
	}
	if len(servers) > 0 {
		r.scenario(ctx, s, servers)
	}
}

// contenders returns the styles that take part in s, with their reference. The usual reference
// already has a control. Any other reference gets one here.
func (r *run) contenders(s Scenario) (styles []server.Style) {
	ref := r.ref(s)
	for _, v := range r.alive(r.servers) {
		switch {
		case !s.fits(v.Style):
		case v.Name == ref:
			first := []server.Style{v.Style}
			if ref != r.Ref() && !s.Idle {
				first = append(first, v.Style.Again())
			}
			styles = append(first, styles...)
		default:
			styles = append(styles, v.Style)
		}
	}
	return styles
}

// over returns whether the run was stopped, or the reference is lost.
func (r *run) over(ctx context.Context) bool { return ctx.Err() != nil || r.servers[0].dead != nil }

func (r *run) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	r.Notes = append(r.Notes, n)
	r.progress.say(n)
}

// setUp finds the cores, and builds and starts the servers. The references are always among them.
func (r *run) setUp(chosen []Scenario) error {
	cores := proc.Cores()
	r.serverCore, r.clientCore = cores[len(cores)-1], cores[0]
	if len(cores) < 2 {
		r.note("one core only: servers and generator share it; throughput means little, CPU per message is blurred")
	}
	var want []server.Style
	for i, s := range server.All {
		if i == 0 || r.Config.Styles == nil || r.Config.Styles.MatchString(s.Name) || s.Name == standard && protocols(chosen) {
			want = append(want, s)
		}
	}
	built, err := server.Build(want, r.Bin, r.note)
	if err != nil {
		return err
	}
	if err := proc.Pin(r.clientCore); err != nil {
		return err
	}
	for _, s := range built {
		v, err := r.start(s, "tcp")
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
	if r.Ref() != server.All[0].Name {
		r.note("no %s: compared with %s instead", server.All[0].Name, r.Ref())
	}
	return nil
}

func protocols(chosen []Scenario) bool {
	return slices.ContainsFunc(chosen, func(s Scenario) bool { return s.Protocol != "" })
}

func (r *run) choose() []Scenario {
	limit := raiseLimit()
	var chosen []Scenario
	for _, s := range scenarios {
		if r.Config.Scenarios != nil && !r.Config.Scenarios.MatchString(s.Name) {
			continue
		}
		if s.Full && r.Quick {
			continue
		}
		if s.Conns == asManyAsAllowed {
			s.Conns = int(limit) - spare
			s.Active = s.Conns
			s.About = fmt.Sprintf("%d connections, which is what the descriptor limit allows here; else as above", s.Conns)
			if s.Conns <= idle {
				continue
			}
		}
		if need := uint64(s.Conns + spare); need > limit {
			r.note("left out: %s: needs %d descriptors, the limit is %d (ulimit -n)", s.Name, need, limit)
			continue
		}
		chosen = append(chosen, s)
	}
	return chosen
}

// scenario measures in sittings. Each sitting has new connections, because the kernel tunes each
// connection, above all its buffer sizes. So one server may be luckier than another as long as its
// connections live.
func (r *run) scenario(ctx context.Context, s Scenario, servers []*contender) {
	r.progress.at = s.Name
	if s.Share > 0 {
		if s.Rate = r.rate(s, servers[0]); s.Rate == 0 {
			return
		}
	}
	sitting := 4
	if s.Conns > 1000 || r.Quick {
		sitting = r.Rounds // making them takes long
	}
	seq := 0
	for left := r.Rounds; left > 0 && ctx.Err() == nil; left -= sitting {
		r.open(s, servers)
		seq = r.sit(ctx, s, servers, min(left, sitting), seq)
		for _, v := range r.alive(servers) {
			if err := v.gen.Close(); err != nil {
				r.lose(v, s, err)
			}
		}
	}
	if seq > 0 {
		r.Result.Scenarios = append(r.Result.Scenarios, s)
	}
}

// rate returns the scenario's share of the reference's rate. The reference's rate is that of the
// same connections in a closed loop.
func (r *run) rate(s Scenario, ref *contender) float64 {
	key := fmt.Sprint(s.Conns, s.Active, s.Size)
	if r.saturation[key] == 0 {
		closed := s.Shape
		if err := ref.gen.Open(ref.Addr, closed); err != nil {
			r.lose(ref, s, err)
			return 0
		}
		var rates []float64
		for range 5 {
			x, err := ref.slice(r.Slice)
			if err != nil {
				r.lose(ref, s, err)
				return 0
			}
			rates = append(rates, x.rate())
		}
		ref.gen.Close()
		r.saturation[key] = Median(rates)
	}
	return s.Share * r.saturation[key]
}
