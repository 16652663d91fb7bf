package suite

import (
	"context"
)

// open opens the connections, and warms them up.
func (r *run) open(s Scenario, servers []*contender) {
	for _, v := range r.alive(servers) {
		err := v.gen.Open(v.Addr, s.Shape)
		if err == nil {
			_, err = v.slice(r.Slice / 2) // its result is not a reading
		}
		if err != nil {
			r.lose(v, s, err)
		}
	}
}

// sit runs rounds of slices in random order.
func (r *run) sit(ctx context.Context, s Scenario, servers []*contender, rounds, seq int) int {
	for range rounds {
		for _, v := range r.order(servers) {
			if ctx.Err() != nil {
				return seq
			}
			if v.dead != nil {
				continue // it has failed in this round
			}
			reading, err := v.slice(r.Slice)
			if err != nil {
				r.lose(v, s, err)
				continue
			}
			reading.Scenario, reading.Seq, reading.Offered = s.Name, seq, s.Rate
			seq++
			r.Readings = append(r.Readings, reading)
			r.progress.step()
		}
	}
	return seq
}

// order returns one round: the servers in random order, with a slice of the reference before every
// second server. So each server has a slice of the reference beside it.
func (r *run) order(servers []*contender) []*contender {
	alive := r.alive(servers)
	others := append([]*contender(nil), alive[min(1, len(alive)):]...)
	r.random.Shuffle(len(others), func(i, k int) { others[i], others[k] = others[k], others[i] })
	if len(others) == 0 {
		return alive
	}
	var order []*contender
	for i, v := range others {
		if i%2 == 0 {
			order = append(order, alive[0])
		}
		order = append(order, v)
	}
	return order
}

func (r *run) alive(servers []*contender) []*contender {
	var alive []*contender
	for _, v := range servers {
		if v.dead == nil {
			alive = append(alive, v)
		}
	}
	return alive
}

// lose excludes a server. The run continues with the others.
func (r *run) lose(v *contender, s Scenario, err error) {
	v.dead = v.cause(err)
	from := "from " + s.Name + " on"
	if !s.plain() { // the server exists only for this scenario
		from = "of " + s.Name
	}
	r.note("left out %s: %s: %v", from, v.Name, v.dead)
}
