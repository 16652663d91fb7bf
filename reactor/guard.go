package reactor

import (
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/ureactor/ureactor/poller"
)

// PanicError is what Closed is told when WithPanicHandler has isolated a Conn whose handler panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("reactor: panic in a callback: %v", e.Value) }

// guardReady delivers an Event under the watchdog's eyes, if there is one; a panic costs the Conn that it was for, if
// somebody handles panics.
func (r *Reactor) guardReady(w *Watch, ready poller.Interest) {
	if r.dog != nil {
		r.dog.enter(w)
		defer r.dog.leave()
	}
	if r.opt.onPanic != nil {
		c, _ := w.sink.(*Conn)
		returned := false
		defer func() {
			if _, users := w.sink.(callSink); users && !returned {
				w.Stop() // or it is told the same every turn, and panics again
			}
		}()
		defer r.caught(c)
		w.sink.ready(ready)
		returned = true
		return
	}
	w.sink.ready(ready)
}

// guard calls a function of the user's that serves c, or no Conn in particular. It isolates a panic, if somebody handles
// them.
func (r *Reactor) guard(c *Conn, f func()) {
	if r.opt.onPanic != nil {
		defer r.caught(c)
	}
	f()
}

func (r *Reactor) caught(c *Conn) {
	v := recover()
	if v == nil {
		return
	}
	stack := debug.Stack()
	r.count.Panics++
	r.log.Error("panic in a callback", zap.Any("value", v), zap.ByteString("stack", stack))
	if c != nil && !c.is(over) {
		c.reset()
		c.end(&PanicError{v, stack})
	}
	r.opt.onPanic(c, v, stack)
}
