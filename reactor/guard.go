package reactor

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/poller"
)

// logLimits limits how many lines of each kind are logged, because peers can cause such lines as
// often as they want.
type logLimits struct{ slow, stuck, panics, unwound, lacking zaplog.Limit }

// guard and guardReady call all user code, and run calls the loop. A call may not return in three
// ways: panic, panic(nil) and runtime.Goexit. With WithPanicHandler, these functions isolate all
// three. Without it, a panic ends the process. Goexit ends the loop, which Shutdown and Group.Run
// report.

// PanicError is the error that Closed gets if the Conn's handler has panicked and WithPanicHandler
// is set. It is also the result of a loop that was ended by a panic or by runtime.Goexit.
type PanicError struct {
	Value any // the argument of panic, or ErrGoexit
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("reactor: panic in a callback: %v", e.Value) }

// ErrGoexit is the Value of a PanicError if user code has called runtime.Goexit, as t.FailNow of a
// test does.
var ErrGoexit = errors.New("runtime.Goexit was called, perhaps by t.FailNow of a test; a callback or task must return")

// panicErrorOf returns the error of a call that has not returned. It must be called by a deferred
// function. v is the result of recover.
func panicErrorOf(v any) *PanicError {
	if p, ok := v.(*PanicError); ok { // from the function of Await, with the useful stack
		return p
	}
	if v == nil && exiting() {
		v = ErrGoexit
	} else if v == nil { // with GODEBUG=panicnil=1
		v = new(runtime.PanicNilError)
	}
	return &PanicError{v, stack()}
}

// stack does the same as debug.Stack, and begins with a larger buffer. If a buffer is too small,
// debug.Stack repeats everything with twice the size.
func stack() []byte {
	for b := make([]byte, 32<<10); ; b = make([]byte, 2*len(b)) {
		if n := runtime.Stack(b, false); n < len(b) {
			return bytes.Clone(b[:n])
		}
	}
}

// exiting reports whether runtime.Goexit runs the deferred function that calls it. If it returns
// false, a panic runs that function.
func exiting() bool {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.Goexit":
			return true
		case strings.HasPrefix(f.Function, "runtime."), !more: // such as gopanic, panicmem and sigpanic
			return false
		}
	}
}

// guardReady delivers an Event to the owner of w. If there is a watchdog, it measures the call. If
// there is a panic handler, a panic closes the Conn that the Event is for.
func (r *Reactor) guardReady(w *Watch, ready poller.Readiness) {
	if r.watchdog != nil && r.watchdog.enter(w.fd) {
		defer r.watchdog.leave()
	}
	if r.enter(w) {
		defer r.leave()
	}
	if r.opt.onPanic == nil {
		w.sink.ready(ready)
		return
	}
	reported := r.reported()
	before := *reported
	*reported = false
	r.recoverReady(w, ready)
	*reported = before
}

// recoverReady is guardReady without the flag.
func (r *Reactor) recoverReady(w *Watch, ready poller.Readiness) {
	returned := false
	defer func() {
		if returned {
			return
		}
		p := panicErrorOf(recover())
		if _, users := w.sink.(callSink); users {
			w.Stop() // otherwise the next turn would deliver the same Event again
		}
		c, _ := w.sink.(*Conn)
		r.isolatePanic(c, p)
	}()
	w.sink.ready(ready)
	returned = true
}

// guard calls user code. c is the Conn that the code serves, or nil. With WithPanicHandler, guard
// isolates a panic and returns it. If guards are nested, a panic closes the Conn of the innermost
// one.
func (r *Reactor) guard(c *Conn, f func()) *PanicError {
	if !r.guards {
		f()
		return nil
	}
	return r.guarded(c, f)
}

func (r *Reactor) guarded(c *Conn, f func()) (p *PanicError) {
	if r.watchdog != nil && r.watchdog.enter(c.number()) {
		defer r.watchdog.leave()
	}
	if r.trace.all.Enter != nil && !r.entered {
		entered := false
		orExit(func() { entered = c != nil && r.enter(c) || c == nil && r.enterFunc(f) },
			func() { p = r.isolated(c, f) }) // f may be a Closed or a post, which must not be lost
		if entered {
			defer r.leave()
		}
	}
	return r.isolated(c, f)
}

// orExit calls f. If runtime.Goexit leaves f, orExit calls exited.
func orExit(f, exited func()) {
	returned := false
	defer func() {
		if !returned && exiting() {
			exited()
		}
	}()
	f()
	returned = true
}

// isolated is guarded for code that is not observed, or between Enter and Leave.
func (r *Reactor) isolated(c *Conn, f func()) (p *PanicError) {
	if r.opt.onPanic == nil {
		f()
		return nil
	}
	reported := r.reported()
	before := *reported
	*reported = false
	p = r.recovered(c, f)
	*reported = before
	return p
}

// reported returns a flag of the stack of the present Task or, in a callback, of the loop. The flag
// is set if a guard has reported that this stack is being unwound. So of nested guards, only the
// innermost one reports it. Each guard clears the flag for its call and restores it afterwards,
// unless runtime.Goexit unwinds the guard too. Goexit does that even after the guard has recovered
// the panic of a deferred function.
func (r *Reactor) reported() *bool {
	if r.running != nil {
		return &r.running.reported
	}
	return &r.loopReported
}

// recovered is isolated without the flag.
func (r *Reactor) recovered(c *Conn, f func()) (p *PanicError) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		if _, ok := v.(unwindPanic); ok { // it ends the Task
			if c != nil && !c.is(released) {
				c.endWith(&PanicError{ErrUnwound, stack()})
			}
			panic(v)
		}
		p = panicErrorOf(v)
		r.isolatePanic(c, p)
	}()
	f()
	returned = true
	return nil
}

// number returns the descriptor for a log line. It returns -1 if there is none.
func (c *Conn) number() int32 {
	if c == nil || c.w.gen == 0 {
		return -1
	}
	return c.w.fd
}

// isolatePanic closes the Conn whose callback has not returned, and calls the panic handler.
func (r *Reactor) isolatePanic(c *Conn, p *PanicError) {
	reported := r.reported()
	isNew := p.isNew(*reported)
	report := func() {
		*reported = true
		if isNew {
			r.reportPanic(c, p, "panic in a callback")
		}
	}
	if c != nil && !c.is(released) {
		orExit(func() { c.endWith(p) }, report)
	}
	report()
}

// endWith resets the connection and ends the Conn. It calls the Closed of a Filter, which is user
// code.
func (c *Conn) endWith(p *PanicError) {
	c.reset()
	c.tearDown(p)
}

// isNew returns false for a Goexit that was already reported.
func (e *PanicError) isNew(reported bool) bool { return e.Value != ErrGoexit || !reported }

// reportPanic logs a panic and calls the panic handler.
func (r *Reactor) reportPanic(c *Conn, p *PanicError, what string) {
	r.logPanic(what, p)
	r.callPanicHandler(c, p)
}

// callPanicHandler calls the panic handler. If the handler itself panics, that is only logged.
func (r *Reactor) callPanicHandler(c *Conn, p *PanicError) {
	r.rare().Panics++
	returned := false
	defer func() {
		if !returned {
			r.rare().Panics++
			q := panicErrorOf(recover())
			if q.Value == ErrGoexit {
				*r.reported() = true
			}
			r.logPanic("panic in the panic handler", q)
		}
	}()
	r.opt.onPanic(c, p.Value, p.Stack)
	returned = true
}

func (r *Reactor) logPanic(what string, p *PanicError) {
	f, ok := r.logLimits.panics.Line(func() zapcore.Field { return zaplog.ByteString("stack", p.Stack) })
	if ok {
		r.log.Error(what, append(f, zaplog.Any("value", p.Value))...)
	}
}
