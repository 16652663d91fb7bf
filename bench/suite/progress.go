package suite

import (
	"fmt"
	"io"
	"os"
	"time"
)

// work returns how many steps a scenario takes.
func (r *run) work(s Scenario) int {
	n := len(r.contenders(s))
	if s.Idle {
		return max(1, r.Rounds/15) * n
	}
	return r.Rounds * (n - 1 + n/2) // see order
}

// A progress shows how far the run is, and the time left if the rest is as fast. On a terminal this
// is one line that overwrites itself. Otherwise it is one line for each scenario.
type progress struct {
	out         io.Writer
	terminal    bool
	began       time.Time
	at, said    string
	done, total int
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, began: time.Now()}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) step() {
	p.done++
	if !p.terminal && p.at == p.said {
		return
	}
	p.said = p.at
	left := time.Duration(float64(time.Since(p.began)) / float64(p.done) * float64(max(0, p.total-p.done)))
	p.clear()
	fmt.Fprintf(p.out, "%3d %%  %s  %v left", 100*p.done/max(1, p.total), p.at, left.Round(time.Second))
	if !p.terminal {
		fmt.Fprintln(p.out)
	}
}

func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\033[K")
	}
}

func (p *progress) say(line string) {
	p.clear()
	fmt.Fprintln(p.out, line)
}
