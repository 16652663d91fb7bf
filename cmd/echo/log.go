package main

import (
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"

	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/zaplog"
)

// A logCore writes lines in the format of zap's console encoder: time, level, message and fields,
// separated by tabs. The encoder itself would link encoding/json, which would be a twentieth of
// this program.
type logCore struct {
	*logLines
	fields []zapcore.Field // the fields of With
}

// logLines is the common state of all cores of one log.
type logLines struct {
	least atomic.Int32 // the lowest zapcore.Level that is logged
	mu    sync.Mutex   // so that lines do not mix
	w     io.Writer
}

func (l *logLines) setLevel(least zapcore.Level)     { l.least.Store(int32(least)) }
func (l *logLines) Enabled(level zapcore.Level) bool { return int32(level) >= l.least.Load() }
func (l *logLines) Sync() error                      { return nil }

// MarshalText and UnmarshalText are for the inspector, which shows the level and can set it.
func (l *logLines) MarshalText() ([]byte, error) { return zapcore.Level(l.least.Load()).MarshalText() }

func (l *logLines) UnmarshalText(text []byte) error {
	var level zapcore.Level
	if err := level.UnmarshalText(text); err != nil {
		return err
	}
	if level < zapcore.DebugLevel || level > zapcore.ErrorLevel {
		return fmt.Errorf("level %v: must be debug, info, warn or error", level)
	}
	l.setLevel(level)
	return nil
}

func (c logCore) With(fields []zapcore.Field) zapcore.Core {
	return logCore{c.logLines, append(c.fields[:len(c.fields):len(c.fields)], fields...)}
}

func (c logCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c logCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	b := e.Time.AppendFormat(nil, "15:04:05.000")
	b = append(append(append(append(b, '\t'), e.Level.CapitalString()...), '\t'), e.Message...)
	sep := "\t{"
	for _, list := range [][]zapcore.Field{c.fields, fields} {
		for _, f := range list {
			if f.Type == zapcore.SkipType {
				continue
			}
			b = append(strconv.AppendQuote(append(b, sep...), f.Key), ": "...)
			b = appendValue(b, f)
			sep = ", "
		}
	}
	if sep == ", " {
		b = append(b, '}')
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.w.Write(append(b, '\n'))
	return err
}

// appendValue appends a number unquoted, and any other value as a quoted string.
func appendValue(b []byte, f zapcore.Field) []byte {
	switch v := zaplog.Value(f).(type) {
	case int64:
		return strconv.AppendInt(b, v, 10)
	default:
		return strconv.AppendQuote(b, fmt.Sprint(v))
	}
}
