package sim

import (
	"fmt"
	"iter"
	"runtime/debug"
)

// A proc is a program that runs on a host: a coroutine that gives the world back whenever a Poller
// of its host waits.
type proc struct {
	w      *World
	host   *Host
	name   string
	f      func()
	next   func() (struct{}, bool)
	yield  func(struct{}) bool
	ended  bool
	dead   bool   // its host has crashed under it
	ticket uint64 // of the one event that resumes it
	last   *epoll // what it waits for, or has
	late   int    // calls since it is dead
}

func (p *proc) String() string { return p.host.name + "/" + p.name }

// soon schedules the next resume in place of the one that is planned.
func (p *proc) soon(at int64) {
	p.ticket++
	p.w.events.add(at, p, 0, 0, p.ticket)
}

func (p *proc) act(_ uint8, _ int64, ticket uint64) {
	if ticket == p.ticket && !p.ended {
		p.resume()
	}
}

// resume runs the program until it waits or ends.
func (p *proc) resume() {
	w := p.w
	if p.dead && p.next == nil { // it had not begun
		p.ended = true
		return
	}
	if p.next == nil {
		p.next, _ = iter.Pull(p.main)
	}
	was := w.cur
	w.cur = p
	_, more := p.next()
	w.cur = was
	if !more {
		p.ended = true
		p.next, p.yield, p.f = nil, nil, nil
	}
}

func (p *proc) main(yield func(struct{}) bool) {
	p.yield = yield
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		if v == nil {
			return // runtime.Goexit: a test's FailNow; it goes on in who drives the world
		}
		if p.dead { // nobody is there to see it
			return
		}
		p.w.Fail(&ProgramPanic{p.String(), v, debug.Stack()})
	}()
	p.f()
	returned = true
}

// pause gives the world back until the program is resumed.
func (p *proc) pause() {
	w := p.w
	w.cur = nil
	p.yield(struct{}{})
	w.cur = p
}

// A ProgramPanic is what ends a run when a program panics.
type ProgramPanic struct {
	Program string
	Value   any
	Stack   []byte
}

func (e *ProgramPanic) Error() string {
	return fmt.Sprintf("program %s panics: %v\n\n%s", e.Program, e.Value, e.Stack)
}
