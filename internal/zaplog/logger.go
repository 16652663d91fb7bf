package zaplog

import (
	"os"
	"reflect"
	"time"

	"go.uber.org/zap/zapcore"
)

// A Logger writes entries to its core. A Logger is immutable, so any goroutine may use it.
type Logger struct {
	core zapcore.Core
	name string
}

// New returns a Logger that writes to core.
func New(core zapcore.Core) *Logger { return &Logger{core: core} }

// Nop returns a Logger that writes nothing.
func Nop() *Logger { return New(zapcore.NewNopCore()) }

// Of returns a Logger that writes to the core of l. It also copies the name of l, because a
// *zap.Logger keeps its name outside of its core. Of returns nil if l is nil, is a nil pointer, or
// has a nil core.
func Of(l interface{ Core() zapcore.Core }) *Logger {
	if v := reflect.ValueOf(l); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	core := l.Core()
	if core == nil {
		return nil
	}
	log := New(core)
	if named, ok := l.(interface{ Name() string }); ok {
		log.name = named.Name()
	}
	return log
}

// Core returns the core, so that a *Logger can be passed to reactor.WithLogger.
func (l *Logger) Core() zapcore.Core { return l.core }

// With returns a Logger that adds the fields to each entry.
func (l *Logger) With(fields ...zapcore.Field) *Logger {
	return &Logger{core: l.core.With(fields), name: l.name}
}

// Wrap returns a Logger that writes to the Core that wrap returns.
func (l *Logger) Wrap(wrap func(zapcore.Core) zapcore.Core) *Logger {
	return &Logger{core: wrap(l.core), name: l.name}
}

func (l *Logger) Debug(msg string, f ...zapcore.Field) { l.write(zapcore.DebugLevel, msg, f) }
func (l *Logger) Info(msg string, f ...zapcore.Field)  { l.write(zapcore.InfoLevel, msg, f) }
func (l *Logger) Warn(msg string, f ...zapcore.Field)  { l.write(zapcore.WarnLevel, msg, f) }
func (l *Logger) Error(msg string, f ...zapcore.Field) { l.write(zapcore.ErrorLevel, msg, f) }

func (l *Logger) write(level zapcore.Level, msg string, fields []zapcore.Field) {
	Write(l.core, zapcore.Entry{Level: level, Time: time.Now(), LoggerName: l.name, Message: msg}, fields)
}

// stderr gets a line if an entry cannot be written. zap's own Logger does the same.
var stderr = zapcore.Lock(os.Stderr)

// Write writes one entry to core, if core accepts its level. A failure is reported on stderr.
func Write(core zapcore.Core, e zapcore.Entry, fields []zapcore.Field) {
	if ce := core.Check(e, nil); ce != nil {
		ce.ErrorOutput = stderr
		ce.Write(fields...)
	}
}
