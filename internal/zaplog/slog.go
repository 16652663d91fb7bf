package zaplog

import (
	"context"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// Slog returns a Logger that writes to h. Levels and fields are converted to those of slog. The
// records have no source position, because it would be a line of this module that says nothing.
func Slog(h slog.Handler) *Logger { return New(slogCore{h}) }

type slogCore struct{ h slog.Handler }

// slogLevel converts a level. In both packages Info is 0. The distance between two levels is 1 in
// zap and 4 in slog.
func slogLevel(l zapcore.Level) slog.Level { return 4 * slog.Level(l) }

func (c slogCore) Enabled(l zapcore.Level) bool {
	return c.h.Enabled(context.Background(), slogLevel(l))
}

func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	return slogCore{c.h.WithAttrs(attrs(fields))}
}

func (c slogCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	record := slog.NewRecord(e.Time, slogLevel(e.Level), e.Message, 0)
	record.AddAttrs(attrs(fields)...)
	return c.h.Handle(context.Background(), record)
}

func (c slogCore) Sync() error { return nil }

func attrs(fields []zapcore.Field) []slog.Attr {
	list := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		if f.Type != zapcore.SkipType {
			list = append(list, slog.Any(f.Key, Value(f)))
		}
	}
	return list
}
