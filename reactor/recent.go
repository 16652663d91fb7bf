package reactor

import (
	"fmt"
	"strings"
	"sync"

	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// recentMost is how many entries of each kind a loop keeps.
const recentMost = 32

// recent has the latest slow callbacks, log lines, and Conns that have ended with an error, for an
// operator. It is small, so every loop has one. Any goroutine may use it.
type recent struct {
	mu     sync.Mutex
	slow   ring[inside.Slow]
	log    ring[inside.Line]
	ends   ring[inside.Line]
	slows  uint64
	failed uint64
}

// A ring has the last recentMost entries.
type ring[T any] struct {
	list []T // when the list is full, list[next] is the oldest entry
	next int
}

func (q *ring[T]) add(v T) {
	if len(q.list) < recentMost {
		q.list = append(q.list, v)
		return
	}
	q.list[q.next] = v
	q.next = (q.next + 1) % recentMost
}

// all returns a copy of the entries, the oldest first.
func (q *ring[T]) all() []T {
	return append(append(make([]T, 0, len(q.list)), q.list[q.next:]...), q.list[:q.next]...)
}

func (h *recent) get() inside.Recent {
	h.mu.Lock()
	defer h.mu.Unlock()
	return inside.Recent{Slow: h.slow.all(), Log: h.log.all(), Ends: h.ends.all(), Slows: h.slows, Failed: h.failed}
}

func (h *recent) addSlow(s inside.Slow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.slows++
	h.slow.add(s)
}

// addEnd stores the end of a Conn. It costs a reading of the clock and a copy, even in a flood of
// ends.
func (h *recent) addEnd(l inside.Line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed++
	h.ends.add(l)
}

func (h *recent) addLog(e zapcore.Entry, fields []zapcore.Field) {
	var text strings.Builder
	text.WriteString(e.Level.String() + ": " + e.Message)
	for _, f := range fields {
		if f.Type != zapcore.SkipType && f.Type != zapcore.ByteStringType { // without the stacks
			fmt.Fprintf(&text, " %s=%v", f.Key, zaplog.Value(f))
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log.add(inside.Line{Time: e.Time, Text: text.String()})
}

// keepLog makes the loop store its own log lines in recent, even those that the logger drops.
func (r *Reactor) keepLog() {
	r.log = r.log.Wrap(func(c zapcore.Core) zapcore.Core { return recentCore{c, &r.recent} })
}

// keepEnd stores the end of a Conn in recent, if it has ended with an error that the program did
// not cause.
func (c *Conn) keepEnd(err error) {
	if err == nil || err == ErrClosed || err == ErrAborted {
		return
	}
	dials := ""
	if c.dialing != nil {
		dials = c.dialing.addr
	}
	r := c.w.r
	r.recent.addEnd(inside.Line{Time: r.Time(), Peer: c.peer.addr(), Text: dials, Err: err})
}

// A recentCore passes entries to its core. It also stores those of level Warn and above in recent.
type recentCore struct {
	zapcore.Core
	recent *recent
}

func (c recentCore) With(fields []zapcore.Field) zapcore.Core {
	return recentCore{c.Core.With(fields), c.recent}
}

func (c recentCore) Enabled(l zapcore.Level) bool { return l >= zapcore.WarnLevel || c.Core.Enabled(l) }

func (c recentCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	ce = c.Core.Check(e, ce)
	if e.Level >= zapcore.WarnLevel {
		ce = ce.AddCore(e, keepCore{zapcore.NewNopCore(), c.recent})
	}
	return ce
}

// A keepCore stores an entry in recent.
type keepCore struct {
	zapcore.Core
	recent *recent
}

func (c keepCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	c.recent.addLog(e, fields)
	return nil
}
