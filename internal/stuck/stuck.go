package stuck

import (
	"runtime"
	"strings"
	"time"
)

// A Goroutine is one paragraph of a stack trace.
type Goroutine struct {
	ID     string
	State  string // such as "IO wait"; " (durable)" follows if it waits for its own bubble only
	Bubble string // the number of its synctest bubble, "" for none
	Stack  string // the paragraph
}

// Waits returns whether the goroutine waits for something, and is no coroutine that waits for its
// turn.
func (g Goroutine) Waits() bool {
	switch g.State {
	case "running", "runnable", "coroutine", "idle", "copystack", "preempted":
		return false
	}
	return true
}

// again is the time between the two looks that find a goroutine in the same state.
const again = time.Second

// Watch looks at all goroutines when so much real time has passed, and from then on again and
// again. find returns those that should not wait. If one of them is in the same state a second
// later, report is called with the stacks, once. stop ends the watch. If report may run, stop does
// not wait for it.
func Watch(after time.Duration, find func(all []Goroutine) []Goroutine, report func(stacks string)) (stop func() bool) {
	var timer *time.Timer
	timer = time.AfterFunc(after, func() {
		if first := find(All()); len(first) > 0 {
			time.Sleep(again)
			if both := same(first, find(All())); both != "" {
				report(both)
				return
			}
		}
		timer.Reset(after)
	})
	return timer.Stop
}

// same returns the stacks of the goroutines that are in both lists, in the same state.
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

// most is how many bytes of stacks are read. Goroutines beyond them are not found.
const most = 16 << 20

// Self returns the bubble of the calling goroutine, "" for none.
func Self() string {
	var buf [256]byte
	g, _ := parse(string(buf[:runtime.Stack(buf[:], false)]))
	return g.Bubble
}

// parse reads a paragraph such as "goroutine 7 [IO wait, 2 minutes, synctest bubble 5]:".
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
