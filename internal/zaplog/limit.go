package zaplog

import (
	"sync"
	"time"

	"go.uber.org/zap/zapcore"
)

// Lines is how many lines of one kind are logged in a second.
const Lines = 100

// A Limit bounds how many lines of one kind are logged: at most Lines lines and one stack in a
// second. The limit is needed because peers may choose how often the kind occurs. The zero Limit is
// ready for use. Any goroutine may use it.
type Limit struct {
	mu      sync.Mutex
	second  time.Time // the start of the present second
	lines   int       // lines logged in that second
	dropped int       // events since the last logged line
}

// Line counts an event. ok reports whether the caller shall log the event, with the returned
// fields. The first event of a second gets a field with the stack. If events before this one were
// not logged, another field has their number.
func (l *Limit) Line(stack func() zapcore.Field) (fields []zapcore.Field, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.second.IsZero() || now.Sub(l.second) >= time.Second {
		l.second, l.lines = now, 0
	}
	if l.lines == Lines {
		l.dropped++
		return nil, false
	}
	if l.lines++; l.lines == 1 && stack != nil {
		fields = append(fields, stack())
	}
	if l.dropped > 0 {
		fields = append(fields, Int("dropped", l.dropped))
		l.dropped = 0
	}
	return fields, true
}
