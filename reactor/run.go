package reactor

import (
	"errors"
	"iter"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/ureactor/ureactor/timeout"
)

// errPanicked is why a reactor has ended whose Run was left by a panic. Its value is for whoever recovers.
var errPanicked = errors.New("a panic has left Run, and no WithPanicHandler isolates it")

// run turns until the end. If its goroutine is unwound on the way, the loop does not die in silence:
//   - runtime.Goexit, isolated by a guard: the loop goes on in the deferred call, which is all that this goroutine may
//     still do, until it ends in order. Run's caller is gone: done and result tell the others.
//   - runtime.Goexit without a panic handler, or a panic outside of all guards with one: the loop aborts what it has.
//   - a panic without a panic handler: no user code runs, for most likely the process ends now. See lose.
func (r *Reactor) run() (err error) {
	returned := false
	defer func() {
		switch {
		case returned:
			return
		case r.opt.onPanic == nil && !exiting():
			r.lose()
			return
		}
		r.left(unwound(recover()))
		for !r.outlive(&err) {
		}
	}()
	err = r.turns()
	returned = true
	return err
}

func (r *Reactor) turns() error {
	for {
		if r.failed != nil {
			return r.broken()
		}
		if err := r.turn(timeout.Never); err != nil {
			if err == ErrClosed {
				return r.result
			}
			return err
		}
	}
}

// exited takes the place of runtime.Goexit on the way out of a coroutine, where Goexit would go on in its resumer.
type exited struct{}

// outlive runs the loop on a coroutine of its own and reports whether it has returned. runtime.Goexit there ends the
// coroutine only, so that any number of them does not deepen the stack.
func (r *Reactor) outlive(err *error) (returned bool) {
	defer func() {
		if v := recover(); v != nil && v != (exited{}) {
			panic(v)
		}
	}()
	next, _ := iter.Pull(func(func(struct{}) bool) {
		defer func() {
			if returned {
				return
			}
			v := recover()
			if v != nil && r.opt.onPanic == nil {
				panic(v)
			}
			r.left(unwound(v))
			panic(exited{})
		}()
		*err = r.turns()
		returned = true
	})
	next()
	return returned
}

// left puts the loop in order after it was unwound by p.
func (r *Reactor) left(p *PanicError) {
	r.mend()
	switch {
	case r.opt.onPanic == nil:
		r.fail(p)
	case p.Value != ErrGoexit: // that has passed a guard, which has told
		r.fail(p)
		r.tell(nil, p, "panic in the loop itself")
	}
}

// mend undoes what a step that did not return had begun: the next turn goes on with the lists.
func (r *Reactor) mend() {
	r.running, r.inTurn, r.direct, r.exiting = nil, false, false, false
	r.table.All(func(_ int, w *Watch) { // read marks a Conn without a place in the list
		if c, ok := w.sink.(*Conn); ok && c.is(dirty) && !r.listed(c) {
			r.dirty.add(c)
		}
	})
}

func (r *Reactor) listed(c *Conn) bool {
	for _, s := range r.dirty.list[r.dirty.head:] {
		if s == settler(c) {
			return true
		}
	}
	return false
}

// lose is the end of a reactor whose Run is left by a panic that nobody isolates. It calls nobody: a callback may have
// been left with a lock held, and would keep the process from ending. Whoever recovers around Run has Shutdown give
// everything back.
func (r *Reactor) lose() {
	r.mend()
	r.failed = &PanicError{errPanicked, debug.Stack()}
	r.result = r.failed
	r.drain.Store(true)
	r.abort.Store(true)
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.lost = true
	r.owner.Store(ownerLost) // whoever changes that owns the rest
	close(r.done)
}

// fail begins the end of a loop that cannot go on: with what others can take over.
func (r *Reactor) fail(err error) {
	r.log.Error("the loop has failed", zap.Error(err))
	r.failed = err
	r.drain.Store(true)
	r.abort.Store(true)
	r.mu.Lock()
	r.unsound = true
	r.mu.Unlock()
	if r.group != nil {
		r.handOver()
	}
}

// broken ends a reactor that cannot go on: everything is aborted.
func (r *Reactor) broken() error {
	for !r.gone { // nothing new is let in, so a round or two
		r.inTurn, r.may = true, turnBudget
		r.runTasks(r.runnable.len())
		r.inTurn = false
		r.wind()
	}
	return r.failed
}
