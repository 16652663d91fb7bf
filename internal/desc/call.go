package desc

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// A Call is one call by user code. It has one deadline, however many tries it makes
// (doc/semantics.md, D5). The deadline is computed after the first try that is not complete. So a
// call that completes with its first try reads no clock and cannot time out (D7).
//
// Only the goroutine or task that makes the call uses its Call. A Call may be used for several
// calls of Do one after the other: for a TLS handshake and then for the read. These calls of Do
// share the deadline.
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
//	step        wait, sleepFast       wait, stepped
//	tried       the fast path         –                  its try returned EAGAIN
//	sleepFirst  enter                 Do, after a wait   NeedsNew or tried
//	registered  enter, register       –                  Desc.reports while the call has the turn
//	retried     wait                  wait, each second  endSeen, In
//	ref         ref                   unref              false at the beginning and the end of Do
//	waited      wait, sleepFast       –
//	lastTry     readyAt, sleepFast    –                  the deadline has passed
//	moved       nextPart              –                  Limit is 0
//
// checkBegin and checkEnd check them in race builds.
type Call struct {
	Limit          timeout.Timeout
	Step           timeout.Timeout // 0 is no limit; it is for readiness that no Event reports
	until          timeout.Deadline
	step           timeout.Deadline // the end of the present sleep's step
	KeepRegistered bool             // the call ends with a suspended registration; see suspend
	Drained        bool             // the last try emptied the socket
	NeedsNew       bool             // the call needs new data: after Drained it waits for an Event
	BothDeadlines  bool             // the deadlines of both directions limit the call
	Records        uint8            // cost of the try beside its bytes, in units of the budget
	P              []byte           // unsent bytes
	V              *[][]byte        // unsent buffers
	Again          bool             // the try made progress, and the call is not complete
	begun          bool             // until is valid
	tried          bool
	sleepFirst     bool // before the first try
	registered     bool
	retried        bool // tried twice since the last sleep; see wait
	ref            bool // holds a reference
	waited         bool
	lastTry        bool
	moved          int32 // bytes of all parts
}

func (c *Call) deadline(k kernel.Kernel) timeout.Deadline {
	switch {
	case c.Limit == timeout.None: // no limit, so it reads no clock
		return timeout.Never
	case !c.begun:
		c.begun = true
		c.until = c.Limit.After(k.Now())
	}
	return c.until
}

// Deadline returns the call's deadline, for a wait that continues without Do.
func (c *Call) Deadline(k kernel.Kernel) timeout.Deadline { return c.deadline(k) }

// Within returns a Call for a Do that runs inside a try of c, in the other direction. The new Call
// has the deadline of c, and no other state of c. If the deadline of c is not computed yet, Within
// computes it now.
func (c *Call) Within(k kernel.Kernel) Call {
	c.deadline(k)
	return Call{Limit: c.Limit, Step: c.Step, KeepRegistered: c.KeepRegistered, until: c.until, begun: c.begun}
}
