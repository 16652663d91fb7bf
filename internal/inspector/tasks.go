package inspector

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/stacks"
	"github.com/ureactor/ureactor/poller"
)

// tasksMost is how many tasks and how many descriptors a page shows.
const tasksMost = 1000

// tasksPage is the page of tasks, and of the descriptors that they wait for.
type tasksPage struct {
	Tasks   []*taskRow  `json:"tasks"` // the tasks that have waited longest are first
	Total   int         `json:"total"`
	Watches []*watchRow `json:"descriptors"`
	Watched int         `json:"descriptors_total"`
}

// taskRow describes a task. Times are in seconds.
type taskRow struct {
	ID    string   `json:"id"`
	Loop  int      `json:"loop"`
	Func  string   `json:"func"`
	Waits string   `json:"waits"` // the reason of the wait
	For   float64  `json:"for"`   // how long it has waited
	Until *float64 `json:"until,omitempty"`

	stack string
}

// watchRow describes a descriptor that user code watches, or for which tasks wait.
type watchRow struct {
	Loop    int      `json:"loop"`
	FD      int      `json:"fd"`
	Kind    string   `json:"kind"`
	Peer    string   `json:"peer,omitempty"`
	Want    string   `json:"want"`
	Waiters []string `json:"waiters,omitempty"` // IDs of tasks
}

func (h *Inspector) tasks() *tasksPage {
	v := &tasksPage{Tasks: []*taskRow{}, Watches: []*watchRow{}}
	for i, l := range h.s.loops {
		pic := l.latest()
		if pic == nil {
			continue
		}
		v.Total += len(pic.Tasks)
		v.Watched += len(pic.Watches)
		w := pic.waits()
		for j := range pic.Tasks {
			v.Tasks = append(v.Tasks, pic.task(i, &pic.Tasks[j], w))
		}
		for j := range pic.Watches {
			if len(v.Watches) == tasksMost {
				break
			}
			v.Watches = append(v.Watches, watch(i, &pic.Watches[j]))
		}
	}
	slices.SortStableFunc(v.Tasks, func(a, b *taskRow) int { return cmp.Compare(b.For, a.For) })
	v.Tasks = v.Tasks[:min(len(v.Tasks), tasksMost)]
	return v
}

// waits maps each Task to the object for which it waits.
type waits struct {
	watch map[uintptr]*inside.Watch
	joins map[uintptr]uintptr
}

func (p *picture) waits() waits {
	w := waits{map[uintptr]*inside.Watch{}, map[uintptr]uintptr{}}
	for i := range p.Watches {
		for _, t := range p.Watches[i].Waiters {
			w.watch[t] = &p.Watches[i]
		}
	}
	for i := range p.Tasks {
		for _, t := range p.Tasks[i].Joiners {
			w.joins[t] = p.Tasks[i].ID
		}
	}
	return w
}

func taskID(loop int, id uintptr) string {
	return strconv.Itoa(loop) + "-" + strconv.FormatUint(uint64(id), 16)
}

func (p *picture) task(loop int, t *inside.Task, w waits) *taskRow {
	row := &taskRow{ID: taskID(loop, t.ID), Loop: loop, Func: clean(shortFunc(t.Func)), Until: p.left(t.Until)}
	switch t.Reason {
	case inside.Sleep:
		row.Waits = "sleeps"
	case inside.Join:
		row.Waits = "joins a task"
		if u, ok := w.joins[t.ID]; ok {
			row.Waits = "joins task " + taskID(loop, u)
		}
	case inside.Await:
		row.Waits = "awaits a goroutine"
	case inside.Turn:
		row.Waits = "runs in the next turn"
	case inside.Released:
		row.Waits = "runs"
	default:
		row.Waits = eventText(t, w.watch[t.ID])
	}
	if t.Reason <= inside.Await {
		row.For = p.since(t.Since)
	}
	if t.Cancelled {
		row.Waits += "; cancelled"
	}
	return row
}

func eventText(t *inside.Task, w *inside.Watch) string {
	what := "input"
	if t.Output {
		what = "room for output"
	}
	switch {
	case w == nil:
		return "waits for " + what
	case w.Kind == inside.ByPoll:
		return fmt.Sprintf("polls %d objects", w.Objects)
	case w.Peer.Family != 0:
		return fmt.Sprintf("waits for %s at descriptor %d (%s)", what, w.ID.FD, addrText(w.Peer))
	}
	return fmt.Sprintf("waits for %s at descriptor %d", what, w.ID.FD)
}

func watch(loop int, w *inside.Watch) *watchRow {
	row := &watchRow{Loop: loop, FD: int(w.ID.FD), Peer: addrText(w.Peer), Want: wantText(w.Want)}
	switch w.Kind {
	case inside.ByCallback:
		row.Kind = "Watch: " + clean(shortFunc(w.Calls))
	case inside.ByTask:
		row.Kind = "socket of tasks"
	case inside.ByPoll:
		row.Kind = fmt.Sprintf("Poll of %d objects", w.Objects)
	}
	for _, t := range w.Waiters {
		row.Waiters = append(row.Waiters, taskID(loop, t))
	}
	return row
}

func wantText(i poller.Interest) string {
	var list []string
	if i&poller.In != 0 {
		list = append(list, "input")
	}
	if i&poller.Out != 0 {
		list = append(list, "output")
	}
	if list == nil {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// task returns the page of one task, with its stack.
func (h *Inspector) task(id string) (view, error) {
	loop, number, ok := strings.Cut(id, "-")
	i, e1 := strconv.Atoi(loop)
	want, e2 := strconv.ParseUint(number, 16, 64)
	if !ok || e1 != nil || e2 != nil || i < 0 || i >= len(h.s.loops) {
		return nil, errors.New("id must be that of a task")
	}
	if pic := h.s.loops[i].latest(); pic != nil {
		for j := range pic.Tasks {
			if t := &pic.Tasks[j]; t.ID == uintptr(want) {
				row := pic.task(i, t, pic.waits())
				row.stack = cleanLines(stacks.Task(allStacks.get(time.Time{}), t.ID))
				return row, nil
			}
		}
	}
	return nil, notFound("the task has ended")
}

func (v *tasksPage) title() string { return "Tasks" }

func (v *tasksPage) write(p *page) {
	p.tag("p", fmt.Sprintf("%d tasks. Those that have waited longest come first.", v.Total))
	if len(v.Tasks) > 0 {
		table(p, taskColumns, v.Tasks, nil)
	}
	p.raw("<h2>Descriptors</h2>")
	p.tag("p", fmt.Sprintf("%d descriptors that user code watches or that tasks and Polls wait for.", v.Watched))
	if len(v.Watches) > 0 {
		table(p, watchColumns, v.Watches, nil)
	}
}

var taskColumns = []column[*taskRow]{
	{"", "task", "", func(p *page, t *taskRow) { p.link("task?id="+t.ID, t.ID) }},
	textual("", "function", func(t *taskRow) string { return t.Func }),
	textual("", "waits", func(t *taskRow) string { return t.Waits }),
	number("", "for", func(t *taskRow) string { return seconds(t.For) }),
	number("", "until", func(t *taskRow) string {
		if t.Until == nil {
			return ""
		}
		return "in " + secondsText(*t.Until)
	}),
}

var watchColumns = []column[*watchRow]{
	number("", "loop", func(w *watchRow) string { return itoa(w.Loop) }),
	number("", "descriptor", func(w *watchRow) string { return itoa(w.FD) }),
	textual("", "kind", func(w *watchRow) string { return w.Kind }),
	textual("", "wants", func(w *watchRow) string { return w.Want }),
	textual("", "peer", func(w *watchRow) string { return w.Peer }),
	{"", "tasks that wait", "", func(p *page, w *watchRow) {
		for _, t := range w.Waiters {
			p.link("task?id="+t, t)
			p.raw(" ")
		}
	}},
}

func (t *taskRow) title() string { return "Task " + t.ID }

func (t *taskRow) write(p *page) {
	p.tag("h2", "task "+t.ID)
	p.list("loop", itoa(t.Loop), "function", t.Func, "state", t.Waits, "for", seconds(t.For))
	if t.stack != "" {
		p.tag("pre", t.stack)
	}
}
