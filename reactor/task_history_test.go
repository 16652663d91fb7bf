//go:build unix

package reactor

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
)

// Random Tasks start, join, cancel and unwind each other, in iterators and in crowds, and the loop
// closes or aborts in the middle. The history of a seed does not depend on how the loop resumes
// Tasks: they switch directly to each other, or a Trace or timed callbacks make the loop resume
// each one. At the end no Task is left.
func TestTasksHaveOneHistory(t *testing.T) {
	for seed := range longtest.Seeds(t, 2, 15, 3000) {
		direct := playTasks(t, seed, nil)
		enter := playTasks(t, seed, nil, WithTrace(Trace{Enter: func(string) {}, Leave: func() {}}))
		timed := playTasks(t, seed, func(r *Reactor) { r.measure(1); r.slow.timed = 1 << 30 })
		if !slices.Equal(direct, enter) || !slices.Equal(direct, timed) {
			t.Fatalf("seed %d: three histories:\n%q\n%q\n%q", seed, direct, enter, timed)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// playTasks returns the history of a world with random Tasks.
func playTasks(t *testing.T, seed uint64, change func(*Reactor), opts ...Option) []string {
	w := sim.New(seed, sim.Options{})
	defer w.Close()
	c := &taskCrowd{random: rand.New(rand.NewPCG(seed, 1))}
	opts = append(opts, WithKernel(w.Host("10.0.0.1")), WithPanicHandler(func(_ *Conn, v any, _ []byte) {
		if c.note(-1, "reported", v); c.one(3) {
			panic("in the handler")
		}
	}))
	r, err := New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	if c.r = r; change != nil {
		change(r)
	}
	for range 5 {
		c.start()
	}
	r.After(time.Hour, r.Close)
	if seed%3 == 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	c.note(-1, "run", r.Run(context.Background()))
	if r.tasks.n != 0 || len(r.idle) != 0 || r.toRun != 0 || r.direct {
		t.Errorf("%d Tasks and %d coroutines are left; toRun %d, direct %v", r.tasks.n, len(r.idle), r.toRun, r.direct)
	}
	return c.history
}

// A taskCrowd is the Tasks of one world.
type taskCrowd struct {
	r       *Reactor
	random  *rand.Rand
	tasks   []*Task
	history []string
	depth   int // of nested yields
}

const crowdMost = 1500

func (c *taskCrowd) note(id int, v ...any) {
	c.history = append(c.history, fmt.Sprint(c.r.often.turns, " ", int64(c.r.k.Now()), " ", id, " ", v))
}

// one returns true once in n calls.
func (c *taskCrowd) one(n int) bool { return c.random.IntN(n) == 0 }

func (c *taskCrowd) some() *Task { return c.tasks[c.random.IntN(len(c.tasks))] }

func (c *taskCrowd) start() {
	id := len(c.tasks)
	c.tasks = append(c.tasks, c.r.Go(func(t *Task) {
		defer c.note(id, "ends")
		for range c.random.IntN(7) {
			c.act(id, t)
		}
	}))
}

// act does one of the acts. Each has a weight.
func (c *taskCrowd) act(id int, t *Task) {
	n := c.random.IntN(60)
	for _, a := range crowdActs {
		if n -= a.weight; n < 0 {
			c.note(id, a.name)
			a.do(c, id, t)
			return
		}
	}
	if c.depth < 20 {
		c.depth++
		defer func() { c.depth-- }()
		c.note(id, "yield", t.Sleep(0))
		c.act(id, t)
	}
}

type crowdAct struct {
	name   string
	weight int
	do     func(c *taskCrowd, id int, t *Task)
}

var crowdActs []crowdAct

func init() { // not in the declaration, because iterate refers to the list
	crowdActs = []crowdAct{
		{"yield", 12, func(c *taskCrowd, id int, t *Task) { c.note(id, t.Sleep(0)) }},
		{"sleep", 6, func(c *taskCrowd, id int, t *Task) {
			c.note(id, t.Sleep(time.Duration(c.random.IntN(4))*time.Millisecond/2))
		}},
		{"start", 9, func(c *taskCrowd, _ int, _ *Task) {
			for n := c.random.IntN(4); n > 0 && len(c.tasks) < crowdMost; n-- {
				c.start()
			}
		}},
		{"join", 3, func(c *taskCrowd, id int, t *Task) {
			u := c.some()
			v, err := t.Join(u)
			c.note(id, v, err != nil, u.Done())
		}},
		{"cancel", 2, func(c *taskCrowd, _ int, _ *Task) { c.some().Cancel() }},
		{"contexts", 2, func(c *taskCrowd, id int, t *Task) { c.note(id, c.some().Context().Err(), t.Context().Err()) }},
		{"result", 2, func(_ *taskCrowd, id int, t *Task) { t.SetResult(id) }},
		{"leave", 2, func(c *taskCrowd, id int, _ *Task) { c.leave(id) }},
		{"iterate", 3, (*taskCrowd).iterate},
		{"post", 3, func(c *taskCrowd, id int, _ *Task) {
			c.r.Post(func() {
				c.note(id, "posted")
				if c.one(2) {
					c.start()
				}
				if c.one(5) {
					c.some().Cancel()
				}
			})
		}},
		{"flush", 2, func(c *taskCrowd, id int, _ *Task) { c.r.flushPending.add(flushed(func() { c.note(id, "flushed") })) }},
		{"timer", 1, func(c *taskCrowd, id int, _ *Task) {
			c.r.After(time.Millisecond, func() {
				if c.note(id, "expired"); c.one(2) {
					c.start()
				}
				if c.one(4) {
					panic("in a timer")
				}
			})
		}},
		{"storm", 1, (*taskCrowd).storm},
		{"end", 1, func(c *taskCrowd, _ int, _ *Task) {
			if c.one(10) {
				c.r.Close()
				if c.one(4) {
					c.r.abort.Store(true)
				}
			}
		}},
		{"load", 1, func(c *taskCrowd, _ int, _ *Task) { c.r.Load() }},
	}
}

func (c *taskCrowd) leave(v any) {
	if c.one(2) {
		panic(v)
	}
	runtime.Goexit()
}

// iterate makes the Task wait in another coroutine.
func (c *taskCrowd) iterate(id int, t *Task) {
	next, stop := iter.Pull(func(yield func(int) bool) {
		for i := range 3 {
			c.note(id, "inside", t.Sleep(time.Duration(c.random.IntN(2))*time.Millisecond))
			if c.one(12) {
				c.leave("inside")
			}
			if !yield(i) {
				return
			}
		}
	})
	defer stop()
	for range c.random.IntN(4) {
		v, ok := next()
		c.note(id, v, ok)
		c.act(id, t)
	}
	if c.one(2) {
		stop()
	}
}

// storm starts more Tasks than a turn resumes.
func (c *taskCrowd) storm(id int, _ *Task) {
	if len(c.tasks) >= crowdMost {
		return
	}
	for i := range tasksPerTurn + 50 {
		c.r.Go(func(t *Task) {
			for range c.random.IntN(3) {
				t.Sleep(0)
			}
			if i%50 == 0 {
				c.note(id, "storm", i)
			}
		})
	}
}
