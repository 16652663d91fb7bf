//go:build unix

package reactor

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

// Random user code, in Tasks and in posts, calls guards, defers functions, recovers, panics, calls
// runtime.Goexit and lets its Task wait. The panic handler gets what a model of Go's rules says:
// each panic that a guard recovers, and each Goexit at the innermost guard that it leaves.
func TestUnwindingsAgainstAModel(t *testing.T) {
	longtest.Checks(t, 30, 200, 20_000)
	rapid.Check(t, func(rt *rapid.T) {
		m := &unwindModel{}
		inTask := map[bool][]program{}
		for range rapid.IntRange(1, 5).Draw(rt, "programs") {
			p := m.program(rt, 3)
			m.guard(p)
			task := rapid.Bool().Draw(rt, "task")
			inTask[task] = append(inTask[task], p)
		}
		if m.unknown {
			return // a guard cannot distinguish two Goexits
		}
		var got []int
		opts := []Option{WithPanicHandler(func(_ *Conn, v any, _ []byte) {
			n, ok := v.(int)
			if !ok && v != ErrGoexit {
				rt.Errorf("the panic handler got %v", v)
			}
			got = append(got, n) // 0 for Goexit
		})}
		if rapid.Bool().Draw(rt, "observed") {
			opts = append(opts, WithTrace(Trace{Enter: func(string) {}, Leave: func() {}}))
		}
		r, err := New(opts...)
		if err != nil {
			rt.Fatal(err)
		}
		for _, p := range inTask[true] {
			r.Go(func(tk *Task) { p.run(r, tk) })
		}
		for _, p := range inTask[false] {
			if err := r.Post(func() { p.run(r, nil) }); err != nil {
				rt.Fatal(err)
			}
		}
		ended := false
		for turns := 0; !ended; turns++ {
			if turns == 1000 {
				rt.Fatalf("no end, %d Tasks", r.tasks.n)
			}
			if r.tasks.n == 0 && turns > len(inTask[false]) { // a Goexit ends a turn
				r.Close()
			}
			apart(func() { ended = r.Turn(r.Now()+timeout.Deadline(time.Microsecond)) == ErrClosed })
		}
		slices.Sort(got)
		slices.Sort(m.reports)
		if !slices.Equal(got, m.reports) {
			rt.Errorf("the panic handler got %v, want %v", got, m.reports)
		}
	})
}

// A statement of a program contains another program, panics with its value, calls Goexit, or waits.
type statement struct {
	kind  string
	body  program
	value int
}

type program []statement

func (m *unwindModel) program(rt *rapid.T, depth int) (p program) {
	kinds := []string{"wait", "panic", "Goexit", "guard", "defer", "call", "recover"}
	if depth == 0 {
		kinds = kinds[:3]
	}
	for range rapid.IntRange(0, 3).Draw(rt, "statements") {
		m.values++
		s := statement{kind: rapid.SampledFrom(kinds).Draw(rt, "kind"), value: m.values}
		if slices.Index(kinds, s.kind) >= 3 {
			s.body = m.program(rt, depth-1)
		}
		p = append(p, s)
	}
	return p
}

func (p program) run(r *Reactor, tk *Task) {
	for _, s := range p {
		switch s.kind {
		case "guard":
			r.guard(nil, func() { s.body.run(r, tk) })
		case "defer":
			defer s.body.run(r, tk)
		case "call":
			s.body.run(r, tk)
		case "recover":
			func() {
				defer func() { _ = recover() }()
				s.body.run(r, tk)
			}()
		case "panic":
			panic(s.value)
		case "Goexit":
			runtime.Goexit()
		case "wait":
			if tk != nil {
				_ = tk.Sleep(time.Duration(s.value % 2))
			}
		}
	}
}

// unwindModel collects what the panic handler must get.
type unwindModel struct {
	values  int
	reports []int // 0 for Goexit
	unknown bool
}

// An unwinding is how a function ends. exit is a Goexit, which continues after a panic is
// recovered.
type unwinding struct {
	panics bool
	value  int
	exit   *exit
}

type exit struct{ reported bool }

// run returns how a program ends.
func (m *unwindModel) run(p program) (u unwinding) {
	var deferred []program
	for _, s := range p {
		switch s.kind {
		case "guard":
			u = m.guard(s.body)
		case "defer":
			deferred = append(deferred, s.body)
		case "call":
			u = m.run(s.body)
		case "recover":
			u = m.run(s.body)
			u.panics = false
		case "panic":
			u = unwinding{panics: true, value: s.value}
		case "Goexit":
			u = unwinding{exit: &exit{}}
		}
		if u.panics || u.exit != nil {
			break
		}
	}
	for _, p := range slices.Backward(deferred) {
		before := u.exit
		switch last := m.run(p); {
		case last.panics && last.exit == nil:
			u = unwinding{true, last.value, before}
		case last.panics || last.exit != nil:
			u = last
			// A second Goexit replaces the first. A guard does not see that it is another one.
			m.unknown = m.unknown || before != nil && before.reported != last.exit.reported
		}
	}
	return u
}

func (m *unwindModel) guard(p program) unwinding {
	u := m.run(p)
	switch {
	case u.panics:
		m.reports = append(m.reports, u.value)
	case u.exit != nil && !u.exit.reported:
		m.reports = append(m.reports, 0)
	}
	if u.exit != nil {
		u.exit.reported = true
	}
	u.panics = false
	return u
}
