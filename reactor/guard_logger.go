package reactor

import (
	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/zaplog"
)

// A safeCore guards a logger, which is user code. The loop logs while it changes its own state. A
// panic or a Goexit of the logger must not leave that state incomplete.
type safeCore struct {
	zapcore.Core
	failed func(*PanicError)
	lone   bool // in a simulated world, which allows no other goroutine
}

// guardLogger guards the logger of a reactor that has a panic handler. A panic or a Goexit of the
// logger is passed to the panic handler and is not logged. Any goroutine may log, so the call of
// the panic handler is posted to the loop.
func (r *Reactor) guardLogger() {
	r.log = r.log.Wrap(func(c zapcore.Core) zapcore.Core {
		return safeCore{c, func(p *PanicError) {
			r.mustPost(func() { r.callPanicHandler(nil, p) })
		}, r.lone != nil}
	})
}

func (c safeCore) With(fields []zapcore.Field) zapcore.Core {
	return safeCore{c.Core.With(fields), c.failed, c.lone}
}

// Check calls no user code. The check of the wrapped core is made in Write, which is guarded.
func (c safeCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}

// Write makes the wrapped core check the entry (level, sampling) and write it. It does so on
// another goroutine, because nothing can stop a Goexit on this one.
func (c safeCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if c.lone {
		c.write(e, fields, func(p *PanicError) {
			if p != nil && p.Value != ErrGoexit { // the innermost guard reports a Goexit
				c.failed(p)
			}
		})
		return nil
	}
	ended := make(chan *PanicError, 1)
	go c.write(e, fields, func(p *PanicError) { ended <- p })
	if p := <-ended; p != nil {
		c.failed(p)
	}
	return nil
}

// write calls ended with the reason why the wrapped core has not returned, or with nil.
func (c safeCore) write(e zapcore.Entry, fields []zapcore.Field, ended func(*PanicError)) {
	returned := false
	defer func() {
		var p *PanicError
		if !returned {
			p = panicErrorOf(recover())
		}
		ended(p)
	}()
	zaplog.Write(c.Core, e, fields)
	returned = true
}
