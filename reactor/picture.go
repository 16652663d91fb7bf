package reactor

import (
	"errors"
	"net"
	"reflect"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

func init() {
	inside.Inspected = func(r any) inside.Inspectable { return (*inspected)(r.(*Reactor)) }
}

// inspected has the methods of a Reactor that package inspect uses.
type inspected Reactor

func (r *inspected) Picture(then func(*inside.Loop, error)) { (*Reactor)(r).picture(then) }

func (r *inspected) Recent() inside.Recent { return r.recent.get() }

func (r *inspected) Act(a inside.Action, id inside.ID, then func(error)) {
	(*Reactor)(r).act(a, id, then)
}

// A painter collects a picture of the loop: lists of its Conns, Listeners, timers and Tasks. It
// adds seenPerTurn entries in each turn. A loop has at most one painter. Requests that come while
// it works get the same picture.
type painter struct {
	r     *Reactor
	p     *inside.Loop
	then  []func(*inside.Loop, error)
	stage int             // the index in stages
	at    int             // where the stage continues: at a descriptor or a place in the timers
	left  int             // how many entries this turn may still add
	funcs map[uintptr]int // the index in p.Timers, by the address of the function's code

	listener *Listener // the Listener that was seen last; local is its address
	local    string
}

// stages are the parts of a picture. A stage returns whether it is done. If it is not, this turn
// may add no more entries (left is 0).
var stages = []func(*painter) (done bool){
	(*painter).table, (*painter).unconnected, (*painter).tasks, (*painter).timers,
}

// timerFuncs is the number of timer functions that a picture lists one by one.
const timerFuncs = 100

// waitersShown is how many Tasks a picture shows for one descriptor, or as joiners of one Task.
const waitersShown = 8

// picturesMost is how many requests for a picture may wait for a loop that makes no turns.
const picturesMost = 16

var errPictures = errors.New("reactor: 16 requests for a picture wait for the loop's next turn")

// picture makes the loop collect a picture and pass it to `then`. Any goroutine may call it.
func (r *Reactor) picture(then func(*inside.Loop, error)) {
	if r.pictures.Add(1) > picturesMost {
		r.pictures.Add(-1)
		then(nil, errPictures)
		return
	}
	ok := r.mustPost(func() {
		r.pictures.Add(-1)
		if r.painter != nil {
			r.painter.then = append(r.painter.then, then)
			return
		}
		r.painter = &painter{
			r: r, then: []func(*inside.Loop, error){then}, funcs: map[uintptr]int{},
			p: &inside.Loop{Began: r.k.Now(), Conns: make([]inside.Conn, 0, r.conns)},
		}
		r.unconnected.seen, r.tasks.seen = r.unconnected.oldest, r.tasks.oldest
		r.painter.paint()
	})
	if !ok {
		r.pictures.Add(-1)
		then(nil, ErrClosed)
	}
}

// paint adds the entries of one turn.
func (w *painter) paint() {
	r := w.r
	w.p.Turns++
	w.left = seenPerTurn
	for w.stage < len(stages) {
		if !stages[w.stage](w) {
			if !r.mustPost(w.paint) {
				w.end(nil, ErrClosed)
			}
			return
		}
		w.stage, w.at = w.stage+1, 0
	}
	for code, i := range w.funcs {
		w.p.Timers[i].Func = funcName(code)
	}
	w.p.Now, w.p.Time, w.p.Draining = r.k.Now(), r.Time(), r.draining
	w.end(w.p, nil)
}

func (w *painter) end(p *inside.Loop, err error) {
	w.r.painter = nil
	for _, then := range w.then {
		then(p, err)
	}
}

// table adds the objects that have a descriptor.
func (w *painter) table() (done bool) {
	w.at, done = w.r.table.Some(w.at, func(v *Watch) bool {
		switch s := v.sink.(type) {
		case *Conn:
			w.p.Conns = append(w.p.Conns, w.conn(s))
		case *Listener:
			w.p.Listeners = append(w.p.Listeners, s.picture())
		case *PacketConn:
			w.p.Packets = append(w.p.Packets, s.picture())
		case *rival: // a rival belongs to a Conn, which is listed itself
		default:
			w.p.Watches = append(w.p.Watches, w.watch(v))
		}
		w.left--
		return w.left > 0
	})
	return done
}

// unconnected adds the Conns without a descriptor.
func (w *painter) unconnected() (done bool) {
	l := &w.r.unconnected
	for ; l.seen != nil && w.left > 0; w.left-- {
		w.p.Conns = append(w.p.Conns, w.conn(l.seen))
		l.seen = l.seen.links().newer
	}
	return l.seen == nil
}

func (w *painter) tasks() (done bool) {
	l := &w.r.tasks
	for ; l.seen != nil && w.left > 0; w.left-- {
		w.p.Tasks = append(w.p.Tasks, l.seen.picture())
		l.seen = l.seen.links().newer
	}
	return l.seen == nil
}

func (w *painter) timers() (done bool) {
	w.at, done = w.r.timers.Some(w.at, func(t *timerq.Timer) bool {
		code := reflect.ValueOf(t.F).Pointer()
		i, known := w.funcs[code]
		if !known {
			if i = min(len(w.p.Timers), timerFuncs); i == len(w.p.Timers) {
				w.p.Timers = append(w.p.Timers, inside.Timers{Func: "others", First: timeout.Never})
			}
			if i < timerFuncs {
				w.funcs[code] = i
			}
		}
		e := &w.p.Timers[i]
		e.N++
		e.First, e.Last = min(e.First, t.Until()), max(e.Last, t.Until())
		w.left--
		return w.left > 0
	})
	return done
}

// watch returns the picture of a Watch, which belongs to user code or to Tasks.
func (w *painter) watch(v *Watch) inside.Watch {
	p := inside.Watch{ID: v.id(), Want: v.want}
	if a, e := w.r.k.PeerAddr(int(v.fd)); e == 0 {
		p.Peer = a
	}
	switch s := v.sink.(type) {
	case callSink:
		p.Calls = funcName(reflect.ValueOf(s).Pointer())
	case *descSink:
		d := (*desc.Desc)(s)
		p.Kind = inside.ByTask
		if d.Transient {
			p.Kind = inside.ByPoll
			p.Objects = d.Objects()
		}
		for _, s := range d.Sleepers(nil, waitersShown) {
			if t, ok := s.(*taskSleeper); ok {
				p.Waiters = append(p.Waiters, (*Task)(t).number())
			}
		}
	}
	return p
}

// id returns the ID of the descriptor's owner, which is valid until the descriptor is closed.
func (w *Watch) id() inside.ID {
	if w.gen == 0 {
		return inside.ID{FD: -1}
	}
	return inside.ID{FD: w.fd, Gen: w.gen}
}

// addrText returns the text of an address, or "" for nil.
func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// typeName returns the name of a handler's type, for a picture.
func typeName(v any) string {
	if v == nil {
		return ""
	}
	return reflect.TypeOf(v).String()
}

// codeOf returns the address of the function's code. Closures of one function have the same
// address.
func codeOf(f func(*Task)) uintptr { return reflect.ValueOf(f).Pointer() }

func funcName(code uintptr) string {
	if f := runtime.FuncForPC(code); f != nil {
		return f.Name()
	}
	return ""
}
