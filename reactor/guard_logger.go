package reactor

import (
	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/zaplog"
)

// A safeCore guards a logger, which is user code. The loop calls the logger in the middle of its
// own work, and a panic of the logger must not leave that work incomplete.
type safeCore struct {
	zapcore.Core
	told func(*PanicError)
}

// guardLogger guards the logger of a reactor with a panic handler. A panic in the logger is passed
// to the panic handler, and is not logged. A log line may come from any goroutine, so the handler
// is posted to the loop.
func (r *Reactor) guardLogger() {
	r.log = r.log.Wrap(func(c zapcore.Core) zapcore.Core {
		return safeCore{c, func(p *PanicError) {
			r.mustPost(func() {
				r.rare().Panics++
				r.opt.onPanic(nil, p.Value, p.Stack)
			})
		}}
	})
}

func (c safeCore) With(fields []zapcore.Field) zapcore.Core {
	return safeCore{c.Core.With(fields), c.told}
}

// Check calls no user code. Write calls it, guarded.
func (c safeCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}

// Write makes the guarded core check the entry, for its level and for sampling, and write it.
func (c safeCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	returned := false
	defer func() {
		if returned {
			return
		}
		// runtime.Goexit unwinds further, up to a guard that reports it.
		if p := panicErrorOf(recover()); p.Value != ErrGoexit {
			c.told(p)
		}
	}()
	zaplog.Write(c.Core, e, fields)
	returned = true
	return nil
}
