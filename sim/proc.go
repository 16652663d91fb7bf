package sim

import (
	"fmt"
	"iter"
	"runtime/debug"
)

// A proc is a program that runs on a host. It is a coroutine: when a Poller of its host waits, the
// coroutine yields to the world.
type proc struct {
	w      *World
	host   *Host
	name   string
	f      func()
	next   func() (struct{}, bool)
	yield  func(struct{}) bool
	ended  bool
	dead   bool   // the host has crashed or the program was killed; it is parked until World.Close
	ticket uint64 // identifies the only event that resumes it
	last   *epoll // the Poller for which it waits, or has waited last
	late   int    // how many calls it has made after it died
	part   int    // number of a part of a program: see Together; 0: the program itself
	joins  int    // how many parts of it still run
}

// soon schedules the next resume, and cancels the one that was planned.
func (p *proc) soon(at int64) {
	p.ticket++
	p.w.events.add(at, p, 0, 0, p.ticket)
}

func (p *proc) act(_ uint8, _ int64, ticket uint64) {
	switch {
	case ticket != p.ticket || p.over():
	case p.w.now < p.host.paused:
		p.soon(p.host.paused)
	default:
		p.resume()
	}
}

// over returns whether no code of the program runs any more.
func (p *proc) over() bool { return p.ended || p.dead }

// die parks the programs wherever they are. If the caller is one of these programs, die does not
// return.
func (w *World) die(procs ...*proc) {
	for _, p := range procs {
		if !p.over() {
			p.dead = true
			w.graves = append(w.graves, p)
		}
	}
	if w.cur != nil && w.cur.dead {
		w.cur.pause()
	}
}

// resume runs the program until it waits or ends.
func (p *proc) resume() {
	w := p.w
	if p.dead && p.next == nil { // the program had not started
		p.ended = true
		return
	}
	if p.next == nil {
		p.next, _ = iter.Pull(p.main)
	}
	was := w.cur
	w.cur, w.ran = p, p
	_, more := p.next()
	w.cur = was
	if !more {
		p.ended = true
		p.next, p.yield, p.f = nil, nil, nil
	}
}

func (p *proc) main(yield func(struct{}) bool) {
	p.yield = yield
	p.w.coroutineBegins()
	returned := false
	defer func() {
		p.w.coroutineEnds()
		if returned {
			return
		}
		v := recover()
		if v == nil {
			return // runtime.Goexit, as in FailNow of a test: it continues in the goroutine of the world
		}
		if p.dead { // the program is dead
			return
		}
		p.w.Fail(&ProgramPanic{p.String(), v, debug.Stack()})
	}()
	p.f()
	returned = true
}

// pause lets the world run until the program is resumed.
func (p *proc) pause() {
	w := p.w
	w.cur = nil
	p.yield(struct{}{})
	w.cur = p
}

// A ProgramPanic is the error of a run in which a program has panicked.
type ProgramPanic struct {
	Program string
	Value   any
	Stack   []byte
}

func (e *ProgramPanic) Error() string {
	return fmt.Sprintf("program %s panics: %v\n\n%s", e.Program, e.Value, e.Stack)
}
