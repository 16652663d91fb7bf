package suite

import (
	"context"

	"github.com/ureactor/ureactor/bench/load"
)

// memory measures each idle connection in a fresh process, because a process that has worked keeps
// memory from that work.
func (r *run) memory(ctx context.Context, s Scenario) {
	r.progress.at = s.Name
	for range max(1, r.Rounds/15) {
		for _, of := range r.alive(r.servers) {
			if of.Name == "c-again" || !s.fits(of.Style) || r.over(ctx) {
				continue
			}
			v, err := r.start(of.Style, s.network(), s.args()...)
			if err != nil {
				r.absent(of, s, err)
				continue
			}
			bytes, err := v.idle(s)
			v.end()
			if err != nil {
				r.absent(of, s, err)
				continue
			}
			r.Readings = append(r.Readings, Reading{Scenario: s.Name, Server: of.Name, Bytes: bytes})
			r.progress.step()
		}
	}
	r.Result.Scenarios = append(r.Result.Scenarios, s)
}

// absent notes that a server is not measured here. If the server is not the usual reference, the
// run continues.
func (r *run) absent(of *contender, s Scenario, err error) {
	if s.plain() {
		r.lose(of, s, err)
		return
	}
	r.note("left out of %s: %s: %v", s.Name, of.Name, err)
}

// idle returns the growth of resident memory for each connection. The first measurement comes after
// a few connections, so that it includes memory that a server allocates only once.
func (v *contender) idle(s Scenario) (float64, error) {
	few := s.Shape
	few.Conns, few.Active = 10, 10
	if _, err := v.hold(few); err != nil {
		return 0, err
	}
	if err := v.gen.Close(); err != nil {
		return 0, err
	}
	before, err := v.Resident()
	if err != nil {
		return 0, err
	}
	after, err := v.hold(s.Shape)
	return float64(after-before) / float64(s.Conns), err
}

// hold opens connections, exchanges one message on each, and measures while they are open.
func (v *contender) hold(s load.Shape) (int64, error) {
	if err := v.gen.Open(v.Addr, s); err != nil {
		return 0, err
	}
	if _, err := v.gen.Run(0); err != nil {
		return 0, err
	}
	return v.Resident()
}
