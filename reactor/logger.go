package reactor

import (
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// A safeCore is the user's logger behind a guard: it is called from the middle of the loop's own work, which must not be
// left halfway.
type safeCore struct {
	zapcore.Core
	told func(*PanicError)
}

// guardLogger is for a reactor with a panic handler: a panic in the logger reaches the handler, and
// not through that logger. A log line may come from any goroutine; the handler runs on the loop.
func (r *Reactor) guardLogger() {
	r.log = r.log.WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core {
		return safeCore{c, func(p *PanicError) {
			r.mustPost(func() {
				r.count.Panics++
				r.opt.onPanic(nil, p.Value, p.Stack)
			})
		}}
	}))
}

func (c safeCore) With(fields []zapcore.Field) zapcore.Core {
	return safeCore{c.Core.With(fields), c.told}
}

func (c safeCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Write asks the user's core again: it may want to sample.
func (c safeCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	returned := false
	defer func() {
		if returned {
			return
		}
		if p := unwound(recover()); p.Value != ErrGoexit { // that goes on, to a guard which tells
			c.told(p)
		}
	}()
	if ce := c.Core.Check(e, nil); ce != nil {
		ce.ErrorOutput = zapcore.AddSync(os.Stderr)
		ce.Write(fields...)
	}
	returned = true
	return nil
}
