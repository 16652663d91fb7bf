// Package desc has the law of waiting in one function: try; on EAGAIN wait until (descriptor, direction) or the
// deadline; try again. Everything that can block — accept, connect, recv, send, read, write, Poll — goes through Desc.Do.
package desc

import (
	"slices"
	"sync"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// Errno is kernel.Errno.
type Errno = kernel.Errno

// A Waiter is how the callers of a Desc wait: by parking their goroutine, or by suspending the task that a loop runs.
type Waiter interface {
	// Sleeper is the present caller. EDEADLK when there is none that could wait: a callback of the loop.
	Sleeper() (Sleeper, Errno)
	// Register has Events of d told to d.Ready from now on, edge-triggered; what is ready already is told too. Unregister
	// ends that; after it Ready is not called. Both are called with d locked, or on the loop.
	Register(d *Desc, want poller.Interest) Errno
	Unregister(d *Desc)
	// Rearm replaces what a registered Desc is told of. What is ready then is told.
	Rearm(d *Desc, want poller.Interest) Errno
	// Post has f called soon, where the Descs belong and outside every call of the user's: on the loop, or on one
	// dispatching goroutine. It may be called by any goroutine. false: the loop has ended, and f is not called.
	Post(f func()) bool
	// Rest lets others run: the caller has had its share of the loop, or, where callers park, of the processor. ECANCELED
	// as in Sleep. It is nothing in a callback.
	Rest(dir Dir) Errno
	// Shared tells whether several goroutines may use a Desc at once.
	Shared() bool
}

// A Sleeper is one caller who can wait.
type Sleeper interface {
	// Sleep returns 0 after Wake (also one that came before it, and now and then for nothing), ETIMEDOUT when until has
	// passed, ECANCELED when the caller is not to wait any more.
	Sleep(dir Dir, until timeout.Deadline) Errno
	Wake()
}

// A Dir is the direction of a call.
type Dir uint8

const (
	In Dir = iota
	Out
)

// want is what each direction hears; an error or a hang-up is news for both.
var want = [2]poller.Interest{In: poller.In | poller.Err | poller.Hup, Out: poller.Out | poller.Err | poller.Hup}

// A Desc is a descriptor's identity: the number, who calls on it, and what happens when it closes. It outlives its
// number: after Close every call is EBADF, and the number goes back to the kernel when the last call is out.
type Desc struct {
	K  kernel.Kernel
	FD int
	W  Waiter

	Gen uint32 // the Waiter's: the registration's generation

	ShortIsAll bool // a recv of less than there is room for has taken all there was: TCP

	refs       int32 // calls in progress; the last one out after Close closes FD
	shared     bool
	closed     bool
	kept       bool // by Detach: FD is somebody else's
	dead       bool // see Dead
	ends       bool // an Event has said that a try that took less than it could is not the last
	registered bool
	Transient  bool       // registered only while somebody waits: a Poll's own descriptor fits in few Pollers at once
	held       bool       // Transient, has waited, is not closed: the background goroutine stays for it
	dormant    bool       // registered, and told of nothing: see Call.Stay
	mu         sync.Mutex // guards what is above and below, if shared
	sides      [2]side
	lines      *[2]line // nil until somebody needs one
	extra      *extra
}

// extra is what few Descs have.
type extra struct {
	hooks    []*Hook
	arrivals func() // told of every Event that may mean input
	news     func() // told of every Event
}

// A side is one direction. One caller at a time holds its turn; only the holder waits for readiness, the others wait
// for the turn, in the order they came.
type side struct {
	word    bool // an Event has come since the holder's last try
	empty   bool // that try took all there was (Call.All): an Event tells of more
	busy    bool
	spent   uint8   // what the calls have had since one had to wait; see spent
	waiting Sleeper // the holder, while it sleeps
}

// A line is who waits for the turn, and, of a shared Desc, the holder's Sleeper, used again so that waiting allocates
// nothing; and the direction's deadline.
type line struct {
	queue []Sleeper
	keep  Sleeper
	limit timeout.Deadline // as SetDeadline has it; 0 is none
}

func (d *Desc) line(dir Dir) *line {
	if d.lines == nil {
		d.lines = new([2]line)
	}
	return &d.lines[dir]
}

// New makes a Desc of a descriptor, which is its own from now on.
func New(k kernel.Kernel, fd int, w Waiter) *Desc {
	return &Desc{K: k, FD: fd, W: w, shared: w.Shared()}
}

// lock is nothing on a loop, where one goroutine owns everything.
func (d *Desc) lock() {
	if d.shared {
		d.mu.Lock()
	}
}

func (d *Desc) unlock() {
	if d.shared {
		d.mu.Unlock()
	}
}

// A Call is one call of the user's: one deadline however many tries it takes (SEMANTICS D5). The deadline is taken when
// the call first has to wait: a call that need not wait reads no clock and cannot time out (D7).
type Call struct {
	Limit timeout.Timeout
	Step  timeout.Timeout // if not 0, the longest sleep between two tries: for what no Event tells. try may change it
	until timeout.Deadline
	step  timeout.Deadline // of the present sleep, 0 is none
	Stay  bool             // a Transient Desc stays registered, told of nothing: for when Register costs more than Rearm
	// All is set by a try that has taken all there was. More says that the call can only take what comes after that: if no
	// Event has told of it, it sleeps before it tries. Any other call tries first: it may have an answer that needs no Event.
	All   bool
	More  bool
	Part  bool // set by a try that has moved what it tells and is not done: the call goes on, after others if it is their turn
	sleep bool // before the first try
	heard bool // the Desc is registered
}

func (c *Call) deadline(k kernel.Kernel) timeout.Deadline {
	switch {
	case c.Limit == timeout.None: // needs no clock
		return timeout.Never
	case c.until == 0:
		c.until = c.Limit.After(k.Now())
	}
	return c.until
}

// share is what the calls on one Desc may have of the loop before its task lets others run: a peer that always has more
// keeps them from ever waiting. In pieces of 2 KiB, and one more for each call, which is about what a call costs. It is
// a few times the 64 KiB that a Conn reads in a turn, for a task's switch costs more than a Conn's.
const (
	share = 128
	piece = 11 // the logarithm
)

// Do is the law. try makes the system call; 0 or any error but EAGAIN ends the wait. Limit 0 tries once. Beside try's
// own errors: EAGAIN (only with Limit 0), ETIMEDOUT at the deadline — the call's or the direction's, see SetDeadline — and
// never before, EBADF once the Desc is closed, also by somebody else while this call waits, ECANCELED, EDEADLK.
func (d *Desc) Do(dir Dir, c *Call, try func() (int, Errno)) (int, Errno) {
	waits := c.Limit.Blocks()
	if waits && !d.shared && *d.spent(dir) >= share { // before the try: one who is cancelled here has taken nothing
		*d.spent(dir) = 0
		if e := d.W.Rest(dir); e != 0 {
			return 0, e
		}
	}
	if e := d.enter(dir, c, waits); e != 0 {
		return 0, e
	}
	defer d.leave(dir, c, waits) // deferred: a wait that unwinds its task panics, and so may a try that calls the user
	if waits && d.shared {
		d.share(dir)
	}
	n, e := 0, kernel.EAGAIN
	if !c.sleep {
		n, e = try()
	}
	for c.Part || e == kernel.EAGAIN && waits {
		if c.Part {
			if e = d.goOn(dir, c, waits, n); e != 0 {
				return 0, e
			}
			n, e = try()
			continue
		}
		e = 0
		if !c.heard {
			e = d.register(c) // not in wait: whoever waits in a task has a small stack, and this is its deepest point
		}
		if e == 0 {
			e = d.wait(dir, c)
		}
		if e != 0 {
			return d.last(c, e, try)
		}
		c.sleep = false
		n, e = try()
	}
	if waits {
		d.spend(dir, n)
	}
	if e == kernel.ETIMEDOUT {
		d.Dead()
	}
	return n, e
}

// goOn comes between two parts of a call, the first of which has moved n. It is not for ever: the others run when the calls
// have had their share, and whoever closes the Desc then or lets its deadline pass ends it.
func (d *Desc) goOn(dir Dir, c *Call, waits bool, n int) (e Errno) {
	c.Part = false
	if !waits {
		return 0
	}
	if d.spend(dir, n); *d.spent(dir) < share {
		return 0
	}
	*d.spent(dir) = 0
	if e := d.W.Rest(dir); e != 0 {
		return e
	}
	d.lock()
	defer d.unlock()
	switch {
	case d.closed:
		return kernel.EBADF
	case d.lines != nil && d.expired(dir):
		return kernel.ETIMEDOUT
	}
	return 0
}

// spend counts a try that has moved n.
func (d *Desc) spend(dir Dir, n int) {
	s := d.spent(dir)
	*s = uint8(min(share, int(*s)+1+n>>piece))
}

// spent is the count for a direction: on a loop one for both, which its goroutine owns; of a shared Desc one for each,
// which the holder of the turn owns.
func (d *Desc) spent(dir Dir) *uint8 {
	if !d.shared {
		dir = In
	}
	return &d.sides[dir].spent
}

// share has the holder of a turn give the processor away once its calls have had their share. The runtime would take it
// away after 10 ms, for which four bulk connections on one core keep a fifth waiting 50 (measured; package net's do).
func (d *Desc) share(dir Dir) {
	if s := &d.sides[dir]; s.spent >= share {
		s.spent = 0
		_ = d.W.Rest(dir) // whoever parks is not cancelled
	}
}

// last ends a wait that was in vain: with what a call finds that has not tried yet, for ready beats timeout (D7).
func (d *Desc) last(c *Call, why Errno, try func() (int, Errno)) (int, Errno) {
	if c.sleep && (why == kernel.ETIMEDOUT || why == kernel.EDEADLK) {
		if n, e := try(); e != kernel.EAGAIN {
			if e == kernel.ETIMEDOUT {
				d.Dead()
			}
			return n, e
		}
	}
	return 0, why
}

// enter takes a reference and, for a call that may wait, the direction's turn.
func (d *Desc) enter(dir Dir, c *Call, waits bool) Errno {
	d.lock()
	if d.closed {
		d.unlock()
		return kernel.EBADF
	}
	if d.lines != nil && d.expired(dir) {
		d.unlock()
		return kernel.ETIMEDOUT
	}
	d.refs++
	s := &d.sides[dir]
	if waits {
		if s.busy {
			return d.queueUp(s, dir, c)
		}
		s.busy = true
		c.heard = d.registered
		c.sleep = c.More && s.empty && !s.word && !d.ends && d.registered
		s.empty = false
		s.word = false // before the call, never after: a word that arrives during the call must survive it
	}
	d.unlock()
	return 0
}

// queueUp waits for the turn; locked on entry, not on return.
func (d *Desc) queueUp(s *side, dir Dir, c *Call) Errno {
	l := d.line(dir)
	sleeper, e := d.W.Sleeper()
	if e != 0 {
		d.unref()
		return e
	}
	l.queue = append(l.queue, sleeper)
	asleep := false
	defer func() {
		if asleep { // a panic: the task is being unwound
			d.lock()
			d.stepOut(dir, sleeper)
		}
	}()
	until := c.deadline(d.K)
	for e == 0 && !d.closed {
		next := d.limited(dir, until)
		d.unlock()
		asleep = true
		e = sleeper.Sleep(dir, next)
		asleep = false
		d.lock()
		if e == kernel.ETIMEDOUT && d.limited(dir, until) > next {
			e = 0
		}
		if e == 0 && !d.closed && !slices.Contains(l.queue, sleeper) { // pass has given it the turn
			s.word = false
			d.unlock()
			return 0
		}
	}
	if d.closed {
		e = kernel.EBADF
	}
	d.stepOut(dir, sleeper)
	return e
}

// stepOut leaves the queue, and passes the turn on if that has come meanwhile; locked on entry, not on return.
func (d *Desc) stepOut(dir Dir, sleeper Sleeper) {
	l := &d.lines[dir]
	if i := slices.Index(l.queue, sleeper); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
	} else {
		d.pass(dir)
	}
	d.unref()
}

// register has Events of the Desc told from now on.
func (d *Desc) register(c *Call) (e Errno) {
	d.lock()
	if !d.registered && !d.closed {
		e = d.enlist()
	}
	c.heard = d.registered
	d.unlock()
	return e
}

// enlist makes the registration, or wakes it; locked.
func (d *Desc) enlist() (e Errno) {
	all := poller.In | poller.Out | poller.Edge
	if d.Transient { // a Poller is never writable, and a kqueue refuses (EINVAL) to be asked
		all = poller.In | poller.Edge
	}
	if d.dormant {
		e = d.W.Rearm(d, all)
	} else {
		e = d.W.Register(d, all)
	}
	d.registered = e == 0
	d.dormant = d.dormant && e != 0
	return e
}

// rest ends the registration of a Transient Desc, or has it told of nothing; locked.
func (d *Desc) rest(stay bool) {
	d.registered = false
	// Edge alone asks for nothing, but is a registration in every Poller.
	if d.dormant = stay && d.W.Rearm(d, poller.Edge) == 0; !d.dormant {
		d.W.Unregister(d)
	}
}

// next is when wait has to look again; locked.
func (d *Desc) next(dir Dir, c *Call) timeout.Deadline {
	until := timeout.Never
	if c.step != 0 {
		until = c.step
	}
	if c.until != 0 {
		until = until.Sooner(c.until)
	}
	return d.limited(dir, until)
}

// stepped is ETIMEDOUT if a deadline came with the step; locked.
func (d *Desc) stepped(dir Dir, c *Call) Errno {
	step := c.step
	c.step = 0
	if d.next(dir, c) <= step {
		return kernel.ETIMEDOUT
	}
	return 0
}

// wait sleeps until a word for the direction has come, the deadline, or Close. It keeps little on the stack, as do all below:
// a task sleeps at this depth, and a few words more would double its stack (see TestIdleTaskStack in package socket).
func (d *Desc) wait(dir Dir, c *Call) Errno {
	s := &d.sides[dir]
	c.deadline(d.K)
	if c.step = 0; c.Step > 0 {
		c.step = c.Step.After(d.K.Now())
	}
	d.lock()
	sleeper, e := d.sleeper(dir)
	if e != 0 {
		d.unlock()
		return e
	}
	for e == 0 && !s.word && !d.closed {
		*d.spent(dir) = 0
		s.waiting = sleeper
		next := d.next(dir, c)
		d.unlock()
		e = sleeper.Sleep(dir, next)
		d.lock()
		s.waiting = nil
		if e == kernel.ETIMEDOUT && (next == c.step || d.next(dir, c) > next) {
			if e = 0; next == c.step {
				e = d.stepped(dir, c)
				break
			} // else SetDeadline has moved it before that was noticed
		}
	}
	switch {
	case d.closed:
		e = kernel.EBADF
	case s.word && e != kernel.ECANCELED:
		e = 0 // ready beats timeout (D7)
	}
	s.word = false // before the next try
	d.unlock()
	return e
}

// sleeper is the holder's.
func (d *Desc) sleeper(dir Dir) (Sleeper, Errno) {
	if !d.shared {
		return d.W.Sleeper()
	}
	l := d.line(dir)
	if l.keep == nil {
		k, e := d.W.Sleeper()
		if e != 0 {
			return nil, e
		}
		l.keep = k
	}
	return l.keep, 0
}

func (d *Desc) leave(dir Dir, c *Call, waits bool) {
	d.lock()
	if waits {
		d.sides[dir].waiting = nil // after a panic it is still there
		d.sides[dir].empty = c.All
		if d.Transient && d.registered {
			d.rest(c.Stay)
		}
		d.pass(dir)
	}
	d.unref()
}

// pass gives the turn to the next in the queue.
func (d *Desc) pass(dir Dir) {
	if d.lines == nil || len(d.lines[dir].queue) == 0 {
		d.sides[dir].busy = false
		return
	}
	l := &d.lines[dir]
	next := l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	next.Wake()
}

// unref is one call less; locked on entry, not on return.
func (d *Desc) unref() {
	d.refs--
	last := d.refs == 0 && d.closed && !d.kept
	d.unlock()
	if last {
		d.K.Close(d.FD)
	}
}

// Ready is an Event: it leaves a word for each direction that it is news for, and wakes who waits for it. The Waiter
// calls it.
func (d *Desc) Ready(i poller.Interest) {
	for dir := range d.sides {
		if i&want[dir] == 0 {
			continue
		}
		d.lock()
		s := &d.sides[dir]
		s.word = true
		if i&(poller.Err|poller.Hup|poller.End) != 0 {
			d.ends = true
		}
		sleeper := s.waiting
		var tell, news func()
		if d.extra != nil {
			tell, news = d.extra.arrivals, d.extra.news
		}
		d.unlock()
		if sleeper != nil {
			sleeper.Wake() // on a loop this runs the task, which may do anything to d
		}
		if Dir(dir) == In && tell != nil {
			tell()
		}
		if news != nil {
			news()
		}
	}
}

// Tell leaves a word for a direction: for whoever has taken, outside a call's turn, what an Event would have told of, for
// then it does not come.
func (d *Desc) Tell(dir Dir) {
	d.lock()
	s := &d.sides[dir]
	s.word = true
	sleeper := s.waiting
	d.unlock()
	if sleeper != nil {
		sleeper.Wake()
	}
}
