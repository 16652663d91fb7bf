package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// A Call is one call by user code. It has one deadline, however many tries it makes
// (doc/semantics.md, D5). The deadline is computed after the first try that does not complete the
// call. So a call that its first try completes reads no clock, and cannot time out (D7).
//
// Only the goroutine or task that makes the call uses the Call. It may make several calls of Do one
// after the other, for example for a TLS handshake and then for a read. Such calls of Do share the
// deadline.
//
// The callers of Do set these fields:
//
//	field           set by                             read by
//	Limit           the caller, before the first Do    Do; handshakes and polls change it between two Do
//	Step            accept, Poll: each try             wait: the longest sleep before the next try
//	KeepRegistered  package sel                        leave, if the Desc is Transient
//	NeedsNew        Recv, Fetch, package secure        enter: the call may sleep before its first try
//	Drained         a try of a call with NeedsNew      leave: the next call with NeedsNew may sleep
//	BothDeadlines   package secure, for a handshake    withDirDeadline
//	Records         a try of package secure            charge, nextPart, which clear it
//	P, V            sends                              own, which replaces them by copies
//	Again           a try; nextPart clears it          Do: there is another part
//
// Do and the fast path (fast.go) set these:
//
//	field       set by                cleared by         implies
//	until,begun deadline              –                  Limit is not None
//	step        wait, beginSleep      wait, stepped
//	tried       the fast path         –                  its try returned EAGAIN
//	sleepFirst  enter                 Do, after a wait   NeedsNew or tried
//	registered  enter, register       –                  Desc.reports while the call has the turn
//	retried     wait                  wait, each second  endSeen, In
//	ref         ref, Do               unref, leaveFast   false at the beginning and the end of Do
//	waited      wait, beginSleep      –
//	lastTry     readyAt, slept        –                  the deadline has passed
//	moved       nextPart              –                  Limit is 0
//
// In race builds checkBegin and checkEnd check these rules.
type Call struct {
	Limit          timeout.Timeout
	Step           timeout.Timeout // limits a sleep, if no Event reports the readiness; 0: no limit
	until          timeout.Deadline
	step           timeout.Deadline // when the present sleep ends because of Step
	KeepRegistered bool             // when the call ends, its registration is suspended (see suspend)
	Drained        bool             // the last try emptied the socket
	NeedsNew       bool             // the call needs new data, so after Drained it waits for an Event
	BothDeadlines  bool             // the deadlines of both directions limit the call
	Records        uint8            // the cost of the try in units of the budget, beside its bytes
	P              []byte           // bytes that are not sent yet
	V              *[][]byte        // buffers that are not sent yet
	Again          bool             // the try was successful, but the call needs another one
	begun          bool             // until is valid
	tried          bool
	sleepFirst     bool // the call sleeps before its first try
	registered     bool
	retried        bool // the call has tried twice since its last sleep; see wait
	ref            bool // the call holds a reference
	waited         bool
	lastTry        bool
	moved          int32 // the bytes that all parts have moved
}

func (c *Call) deadline(k kernel.Kernel) timeout.Deadline {
	switch {
	case c.Limit == timeout.None: // without a limit, no clock is read
		return timeout.Never
	case !c.begun:
		c.begun = true
		c.until = c.Limit.After(k.Now())
	}
	return c.until
}

// Deadline returns the deadline of the call, for code that waits without Do.
func (c *Call) Deadline(k kernel.Kernel) timeout.Deadline { return c.deadline(k) }

// Within returns a Call for a Do inside a try of c, in the other direction. It has the same
// deadline as c, but not the state of c. If the deadline is not computed yet, Within computes it.
func (c *Call) Within(k kernel.Kernel) Call {
	c.deadline(k)
	return Call{Limit: c.Limit, Step: c.Step, KeepRegistered: c.KeepRegistered, until: c.until, begun: c.begun}
}
