package stuck

import (
	"runtime"
	"strings"
	"time"
)

// A Goroutine is one paragraph of the text that runtime.Stack returns.
type Goroutine struct {
	ID     string
	State  string // such as "IO wait"; with " (durable)" if only its synctest bubble can end the wait
	Bubble string // the number of its synctest bubble, or "" if it is in none
	Stack  string // the whole paragraph
}

// Waits returns whether the goroutine waits for something. A coroutine that is not resumed yet does
// not count as waiting.
func (g Goroutine) Waits() bool {
	switch g.State {
	case "running", "runnable", "coroutine", "idle", "copystack", "preempted":
		return false
	}
	return true
}

// again is the longest time between the two checks of one goroutine's state.
const again = time.Second

// Watch checks all goroutines after each period of real time. The function find returns those that
// should not wait. A second check comes a second later, or earlier if the period is shorter. If one
// of them is then in the same state, Watch calls the function report once with its stack, and
// stops. The function stop ends the checks. It does not wait for a call of report.
func Watch(after time.Duration, find func(all []Goroutine) []Goroutine, report func(stacks string)) (stop func() bool) {
	var timer *time.Timer
	timer = time.AfterFunc(after, func() {
		if first := find(All()); len(first) > 0 {
			time.Sleep(min(after, again))
			if both := same(first, find(All())); both != "" {
				report(both)
				return
			}
		}
		timer.Reset(after)
	})
	return timer.Stop
}

// same returns the stacks of the goroutines that are in both lists with the same state.
func same(first, second []Goroutine) string {
	var stacks []string
	for _, g := range second {
		for _, f := range first {
			if f.ID == g.ID && f.State == g.State {
				stacks = append(stacks, g.Stack)
			}
		}
	}
	return strings.Join(stacks, "\n\n")
}

// All returns the goroutines of the process.
func All() (all []Goroutine) {
	buf := make([]byte, 1<<16)
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < most {
		buf = make([]byte, 4*len(buf))
		n = runtime.Stack(buf, true)
	}
	for text := range strings.SplitSeq(strings.TrimSpace(string(buf[:n])), "\n\n") {
		if g, ok := parse(text); ok {
			all = append(all, g)
		}
	}
	return all
}

// most limits how many bytes of stacks are read. Goroutines beyond the limit are not found.
const most = 16 << 20

// Self returns the bubble of the calling goroutine, or "" if it is in none.
func Self() string {
	var buf [256]byte
	g, _ := parse(string(buf[:runtime.Stack(buf[:], false)]))
	return g.Bubble
}

// parse parses a paragraph that begins like "goroutine 7 [IO wait, 2 minutes, synctest bubble 5]:".
func parse(text string) (Goroutine, bool) {
	head, _, _ := strings.Cut(text, "\n")
	id, rest, ok := strings.Cut(strings.TrimPrefix(head, "goroutine "), " [")
	if !ok {
		return Goroutine{}, false
	}
	parts := strings.Split(strings.TrimSuffix(rest, "]:"), ", ")
	g := Goroutine{ID: id, State: parts[0], Stack: text}
	for _, p := range parts[1:] {
		if n, is := strings.CutPrefix(p, "synctest bubble "); is {
			g.Bubble = n
		}
	}
	return g, true
}
