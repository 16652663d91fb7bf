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

// logLimits bound how many lines of each kind are logged, because peers decide how often such a
// line is caused.
type logLimits struct{ slow, stuck, panics, unwound, lacking zaplog.Limit }

// guard or guardReady calls all user code, and run calls the loop. These functions handle three
// ways in which a call does not return: panic, panic(nil) and runtime.Goexit. With WithPanicHandler
// all three are isolated. Without it a panic ends the process. Goexit ends the loop, which Shutdown
// and Group.Run report.

// PanicError is the error that Closed gets when WithPanicHandler has isolated a Conn whose handler
// panicked. It is also the result of a loop that a panic or runtime.Goexit has stopped.
type PanicError struct {
	Value any // the argument of panic; ErrGoexit after runtime.Goexit
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("reactor: panic in a callback: %v", e.Value) }

// ErrGoexit is the Value of a PanicError for user code that called runtime.Goexit, as t.FailNow of
// a test does.
var ErrGoexit = errors.New("runtime.Goexit (t.FailNow of a test?); a callback or task ends by returning")

// panicErrorOf returns the error of a call that did not return. A deferred function calls it with
// the result of recover.
func panicErrorOf(v any) *PanicError {
	if v == nil && exiting() {
		v = ErrGoexit
	} else if v == nil { // GODEBUG=panicnil=1
		v = new(runtime.PanicNilError)
	}
	return &PanicError{v, stack()}
}

// stack is debug.Stack that begins with a larger buffer. debug.Stack tries again with twice the
// size if a buffer is too small, and each try visits all frames.
func stack() []byte {
	for b := make([]byte, 32<<10); ; b = make([]byte, 2*len(b)) {
		if n := runtime.Stack(b, false); n < len(b) {
			return bytes.Clone(b[:n])
		}
	}
}

// exiting reports whether the deferred function that calls it is run by runtime.Goexit. If not, it
// is run by a panic.
func exiting() bool {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.Goexit":
			return true
		case strings.HasPrefix(f.Function, "runtime."), !more: // gopanic, panicmem, sigpanic …
			return false
		}
	}
}

// guardReady delivers an Event. The watchdog measures the call, if there is one. If there is a
// panic handler, a panic closes the Conn that the Event was for.
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
	returned := false
	defer func() {
		if returned {
			return
		}
		p := panicErrorOf(recover())
		if _, users := w.sink.(callSink); users {
			w.Stop() // otherwise the next turn would deliver the same Event, and the call would panic again
		}
		c, _ := w.sink.(*Conn)
		r.isolatePanic(c, p)
	}()
	w.sink.ready(ready)
	returned = true
}

// guard calls user code that serves c, or no Conn in particular. With WithPanicHandler it isolates
// a panic and returns it. Guards may be nested: the innermost one names the Conn.
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
	if c != nil && r.enter(c) || c == nil && r.enterFunc(f) {
		defer r.leave()
	}
	if r.opt.onPanic == nil {
		f()
		return nil
	}
	returned := false
	defer func() {
		if !returned {
			p = panicErrorOf(recover())
			r.isolatePanic(c, p)
		}
	}()
	f()
	returned = true
	return nil
}

// number returns the descriptor for a log line, or -1 if there is none.
func (c *Conn) number() int32 {
	if c == nil || c.w.gen == 0 {
		return -1
	}
	return c.w.fd
}

// isolatePanic closes the Conn whose callback did not return, and calls the panic handler.
// runtime.Goexit unwinds through all guards up to run or the Task, and only the first guard reports
// it.
func (r *Reactor) isolatePanic(c *Conn, p *PanicError) {
	if c != nil && !c.is(released) {
		c.reset()
		c.tearDown(p)
	}
	if p.Value != ErrGoexit || !r.goexiting {
		r.goexiting = p.Value == ErrGoexit
		r.reportPanic(c, p, "panic in a callback")
	}
}

// reportPanic calls the panic handler. A panic in that handler is only logged.
func (r *Reactor) reportPanic(c *Conn, p *PanicError, what string) {
	r.rare().Panics++
	r.logPanic(what, p)
	returned := false
	defer func() {
		if !returned {
			q := panicErrorOf(recover())
			r.goexiting = q.Value == ErrGoexit
			r.rare().Panics++
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
