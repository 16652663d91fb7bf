package suite

import (
	"fmt"
	"time"

	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/bench/proc"
	"github.com/ureactor/ureactor/bench/server"
)

// A contender is a server's process with the generator that loads it.
type contender struct {
	*server.Process
	gen  *load.Client
	dead error // why it no longer takes part
}

// start starts a server on one core, and then its generator on the other.
func (r *run) start(s server.Style, network string, args ...string) (*contender, error) {
	p, err := server.Launch(s, r.serverCore, network, 0, args...)
	if err != nil {
		return nil, err
	}
	gen, err := load.Start(r.clientCore, Generate)
	if err != nil {
		p.Kill()
		return nil, err
	}
	return &contender{Process: p, gen: gen}, nil
}

// slice loads the server for d. The server is idle before and after, so the measured time is that
// of these messages. The time includes garbage collection that happens in the slice.
func (v *contender) slice(d time.Duration) (Reading, error) {
	before, err := proc.Rest(v.PID())
	if err != nil {
		return Reading{}, err
	}
	s, err := v.gen.Run(d)
	if err != nil {
		return Reading{}, err
	}
	after, err := proc.Rest(v.PID())
	if err == nil && s.Messages == 0 {
		err = fmt.Errorf("not one message in %v", d)
	}
	x := Reading{Server: v.Name, Messages: s.Messages, Took: s.Took, CPU: after - before, Latencies: s.Latencies}
	if err == nil && s.Latencies != nil {
		err = x.summarize()
	}
	return x, err
}

// cause replaces an error of the connection by the reason why the server has ended, if the server
// has ended.
func (v *contender) cause(err error) error {
	if ended, how := v.Ended(100 * time.Millisecond); ended {
		return fmt.Errorf("the server died: %v (%w)", how, err)
	}
	return err
}

func (v *contender) end() {
	v.gen.End()
	v.Kill()
}
