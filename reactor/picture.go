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

// inspected is a Reactor as package inspect sees it.
type inspected Reactor

func (r *inspected) Picture(then func(*inside.Loop, error)) { (*Reactor)(r).picture(then) }

func (r *inspected) Recent() inside.Recent { return r.recent.get() }

func (r *inspected) Act(a inside.Action, id inside.ID, then func(error)) {
	(*Reactor)(r).act(a, id, then)
}

// A painter collects a picture of the loop: lists of its Conns, Listeners, timers and Tasks. It
// adds seenPerTurn entries a turn. A loop has at most one painter: all requests that come while the
// painter works get the same picture.
type painter struct {
	r     *Reactor
	p     *inside.Loop
	then  []func(*inside.Loop, error)
	stage int             // index in stages
	at    int             // where the stage continues: a descriptor, or a place in the queue of timers
	left  int             // entries of this turn
	funcs map[uintptr]int // index in p.Timers, by the function's code

	listener *Listener // the last Listener met, and its address
	local    string
}

// stages are the parts of a picture. Each returns whether it is done. If a stage is not done, it
// has added as many entries as this turn allows (left is 0).
var stages = []func(*painter) (done bool){
	(*painter).table, (*painter).unconnected, (*painter).tasks, (*painter).timers,
}

// timerFuncs is how many functions of timers a picture lists.
const timerFuncs = 100

// waitersShown is how many Tasks a picture shows at one descriptor, or as joining one Task.
const waitersShown = 8

// picturesMost is how many requests for a picture wait for a loop that does not turn.
const picturesMost = 16

var errPictures = errors.New("reactor: 16 requests for a picture wait for the loop's next turn")

// picture collects a picture and passes it to then, on the loop. Any goroutine may call it.
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

// paint collects the entries of one turn.
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

// table lists the objects that have a descriptor.
func (w *painter) table() (done bool) {
	w.at, done = w.r.table.Some(w.at, func(v *Watch) bool {
		switch s := v.sink.(type) {
		case *Conn:
			w.p.Conns = append(w.p.Conns, w.conn(s))
		case *Listener:
			w.p.Listeners = append(w.p.Listeners, s.picture())
		case *PacketConn:
			w.p.Packets = append(w.p.Packets, s.picture())
		case *rival: // part of a Conn, which is shown itself
		default:
			w.p.Watches = append(w.p.Watches, w.watch(v))
		}
		w.left--
		return w.left > 0
	})
	return done
}

// unconnected shows the Conns without a descriptor.
func (w *painter) unconnected() (done bool) {
	l := &w.r.unconnected
	for ; l.seen != nil && w.left > 0; w.left-- {
		w.p.Conns = append(w.p.Conns, w.conn(l.seen))
		l.seen = l.seen.dialing.newer
	}
	return l.seen == nil
}

func (w *painter) tasks() (done bool) {
	l := &w.r.tasks
	for ; l.seen != nil && w.left > 0; w.left-- {
		w.p.Tasks = append(w.p.Tasks, l.seen.picture())
		l.seen = l.seen.younger
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

// watch lists a descriptor that belongs to user code or to Tasks.
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

// id identifies the owner of the descriptor until the descriptor is closed.
func (w *Watch) id() inside.ID {
	if w.gen == 0 {
		return inside.ID{FD: -1}
	}
	return inside.ID{FD: w.fd, Gen: w.gen}
}

// addrText is the text of an address, which may be nil.
func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// typeName returns the name of a handler's type, for display.
func typeName(v any) string {
	if v == nil {
		return ""
	}
	return reflect.TypeOf(v).String()
}

// codeOf identifies a function, but not what it has captured.
func codeOf(f func(*Task)) uintptr { return reflect.ValueOf(f).Pointer() }

func funcName(code uintptr) string {
	if f := runtime.FuncForPC(code); f != nil {
		return f.Name()
	}
	return ""
}
