package reactor

import (
	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/zaplog"
)

// A safeCore guards a logger, which is user code. The loop logs while it changes its own state. A
// panic of the logger must not leave that state incomplete.
type safeCore struct {
	zapcore.Core
	told func(*PanicError)
}

// guardLogger guards the logger of a reactor that has a panic handler. A panic of the logger is
// passed to the panic handler and is not logged. Any goroutine may log, so the call of the panic
// handler is posted to the loop.
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

// Check calls no user code. The check of the wrapped core is made in Write, which is guarded.
func (c safeCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}

// Write makes the wrapped core check the entry (level, sampling) and write it.
func (c safeCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	returned := false
	defer func() {
		if returned {
			return
		}
		// Goexit continues up to a guard that reports it. It does so even after a panic, and then
		// both are reported: this goroutine may be any, so perhaps no guard is there.
		if p := panicErrorOf(recover()); p.Value != ErrGoexit {
			c.told(p)
		}
	}()
	zaplog.Write(c.Core, e, fields)
	returned = true
	return nil
}
