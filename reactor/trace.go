package reactor

import (
	"errors"
	"fmt"
	"reflect"
	"time"
	"unsafe"
)

// A Trace has functions that the loop calls when certain things happen. If a function is nil, that
// costs one comparison. The loop waits for each function as for a callback, so they must be short.
// They may read the Conn, but must not send, close or change anything.
type Trace struct {
	Accept func(l *Listener, from Addr)      // a connection was accepted; it has no handler yet
	Open   func(c *Conn)                     // a Conn is connected; called before Opened
	Read   func(c *Conn, n int)              // n bytes were received; 0 is the end of input
	Send   func(c *Conn, n int, err error)   // the kernel has accepted n bytes, or output has failed
	Close  func(c *Conn, err error)          // a Conn is closed; before Closed. Not after Detach
	Turn   func(events int, d time.Duration) // a turn has ended; the loop measures its time

	// Enter is called before each callback and each step of a Task, and Leave after it. name is the
	// type of the handler, or the name of the function. If one of them panics, the loop calls
	// neither again. If one of them calls runtime.Goexit, the loop aborts everything. Package
	// looplabels uses these.
	Enter func(name string)
	Leave func()
}

// WithTrace makes the loop call the functions of t. Several WithTrace add up, but each function may
// be set only once.
func WithTrace(t Trace) Option {
	return func(o *options) error {
		if (t.Enter == nil) != (t.Leave == nil) {
			return errors.New("reactor: WithTrace: set both Enter and Leave, or neither")
		}
		sum := Trace{}
		if o.trace != nil {
			sum = *o.trace
		}
		from, to, some := reflect.ValueOf(t), reflect.ValueOf(&sum).Elem(), false
		for i := range from.NumField() {
			switch f := from.Field(i); {
			case f.IsNil():
			case !to.Field(i).IsNil():
				return fmt.Errorf("reactor: WithTrace: %s is set twice: make one function that does both; of looplabels, choose Profile or Regions",
					from.Type().Field(i).Name)
			default:
				to.Field(i).Set(f)
				some = true
			}
		}
		if !some {
			return errors.New("reactor: WithTrace of a Trace without a function; leave it out")
		}
		o.trace = &sum
		return nil
	}
}

// WithTraceFor is WithTrace with a new Trace for each loop of a Group. Each New calls the function
// once.
func WithTraceFor(trace func() Trace) Option {
	return func(o *options) error {
		if trace == nil {
			return errors.New("reactor: WithTraceFor(nil)")
		}
		return WithTrace(trace())(o)
	}
}

// traces has the functions of the Trace. The two functions for messages are fields of their own,
// because the loop checks them at each message.
type traces struct {
	read func(c *Conn, n int)
	send func(c *Conn, n int, err error)
	all  Trace
}

// beginTrace copies the functions from the options. If there is a Trace.Turn, the loop measures.
func (r *Reactor) beginTrace() {
	r.guards = r.opt.onPanic != nil || r.opt.slow != 0
	if r.opt.trace == nil {
		return
	}
	r.trace = traces{r.opt.trace.Read, r.opt.trace.Send, *r.opt.trace}
	r.guards = r.guards || r.trace.all.Enter != nil
	if r.trace.all.Turn != nil {
		r.measure(r.k.Now())
	}
}

// traceAccept closes fd if Accept does not return.
func (r *Reactor) traceAccept(l *Listener, fd int, from Addr) {
	if f := r.trace.all.Accept; f != nil {
		returned := false
		defer func() {
			if !returned {
				r.k.Close(fd)
			}
		}()
		r.guard(nil, func() { f(l, from) })
		returned = true
	}
}

// traced calls a function of the Trace in the middle of a Conn's step. If the function calls
// runtime.Goexit, the rest of that step is lost, so the Conn ends.
func (c *Conn) traced(f func()) {
	orExit(func() { c.w.r.guard(nil, f) }, func() {
		if !c.is(released) {
			c.endWith(panicErrorOf(nil))
		}
	})
}

func (r *Reactor) traceOpen(c *Conn) {
	if f := r.trace.all.Open; f != nil {
		c.traced(func() { f(c) })
	}
}

func (r *Reactor) traceRead(c *Conn, n int) {
	if f := r.trace.read; f != nil {
		r.guard(nil, func() { f(c, n) })
	}
}

func (r *Reactor) traceSend(c *Conn, n int, err error) {
	if f := r.trace.send; f != nil {
		c.traced(func() { f(c, n, err) })
	}
}

func (r *Reactor) traceClose(c *Conn, err error) {
	if f := r.trace.all.Close; f != nil {
		r.guard(nil, func() { f(c, err) })
	}
}

func (r *Reactor) traceTurn(d time.Duration) {
	if f := r.trace.all.Turn; f != nil {
		r.guard(nil, func() { f(r.batch, d) })
	}
}

// enter calls Enter for a callback, and returns whether Leave must be called. A callback inside
// another callback counts as a part of that one.
func (r *Reactor) enter(what any) bool {
	if r.trace.all.Enter == nil || r.entered {
		return false
	}
	return r.entering(nameOf(what))
}

// enterFunc is enter for a function. Here f does not escape. If it did, each datagram would cost
// the allocation of a closure.
func (r *Reactor) enterFunc(f func()) bool {
	if r.trace.all.Enter == nil || r.entered {
		return false
	}
	return r.entering(funcName(**(**uintptr)(unsafe.Pointer(&f))))
}

func (r *Reactor) entering(name string) bool {
	r.entered = true
	r.observe(func() { r.trace.all.Enter(name) })
	return r.entered
}

func (r *Reactor) leave() {
	r.entered = false
	if r.trace.all.Leave != nil { // not after a panic in Enter for a callback inside this one
		r.observe(r.trace.all.Leave)
	}
}

// observe calls Enter or Leave. After a panic the loop calls neither again. Otherwise an Enter that
// always panics could stop every callback. runtime.Goexit unwinds the step as well, so the loop
// fails.
func (r *Reactor) observe(f func()) {
	var p *PanicError
	returned := false
	defer func() {
		if returned && p == nil {
			return
		}
		r.entered, r.trace.all.Enter, r.trace.all.Leave = false, nil, nil
		if !returned && r.opt.onPanic != nil && exiting() { // otherwise a cancelled Task is unwound
			r.fail(panicErrorOf(nil))
		}
	}()
	p = r.isolated(nil, f)
	returned = true
}
