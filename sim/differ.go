package sim

import (
	"fmt"
	"strings"
)

// A Difference is the first step in which two runs of one seed differ. It means that the program
// depends on something that is not simulated.
type Difference struct {
	Step   uint64   // the step of the first run's first different record
	Before []string // the last records before it, which are the same in both runs
	First  string   // the first run's record that differs; "" if the run has ended
	Second string   // the second run's record; "" if the run has ended
}

// compared is how many records of each run are compared. differRuns is how many pairs of runs are
// made.
const (
	compared   = 1 << 20
	differRuns = 10
	shared     = 5
)

// Compare runs f twice in worlds with the same seed and returns the first step in which the two
// histories differ. Two such runs may be equal by chance, so Compare makes up to ten pairs. nil
// means that no pair differed.
func Compare(seed uint64, opt Options, f func(w *World) error) *Difference {
	first := compareRun(seed, opt, f)
	for range differRuns {
		second := compareRun(seed, opt, f)
		if d := differ(first, second); d != nil {
			return d
		}
	}
	return nil
}

func compareRun(seed uint64, opt Options, f func(w *World) error) *World {
	opt.Trace, opt.Only = -1, Only{}
	w := New(seed, opt)
	w.trace.first = compared
	defer w.Close()
	if err := f(w); err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		w.Note("the test returns: %s", text)
	}
	return w
}

func differ(a, b *World) *Difference {
	one, two := a.trace.list, b.trace.list
	i := 0
	for i < min(len(one), len(two)) && one[i].hash == two[i].hash {
		i++
	}
	if i == len(one) && i == len(two) {
		return nil
	}
	d := &Difference{}
	for _, r := range one[max(i-shared, 0):i] {
		d.Before = append(d.Before, r.String())
	}
	if i < len(one) {
		d.Step, d.First = one[i].step, one[i].String()
	}
	if i < len(two) {
		d.Second = two[i].String()
	}
	return d
}

func (d *Difference) String() string {
	ended := func(s string) string {
		if s == "" {
			return "has ended"
		}
		return s
	}
	text := "both runs:\n"
	for _, r := range d.Before {
		text += "\t" + r + "\n"
	}
	text += fmt.Sprintf("the first step that differs:\n\tfirst run:  %s\n\tsecond run: %s", ended(d.First), ended(d.Second))
	if d.First == d.Second {
		text += "\n\t(what was sent differs further on, or an address)"
	}
	return text
}
