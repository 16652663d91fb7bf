package sim

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
)

// LogHandler returns a handler of package log/slog for programs on this host. Each line becomes a
// step of the trace, the diagram and the drawing, with the time of the world. Also pass the handler
// to reactor.WithSlog.
//
// Log lines are not a part of the history, so they do not change Hash. Without Options.Trace,
// Enabled returns false, so a program under many seeds formats no lines. Code that formats a value
// of a log line must not call the kernel or make random choices.
func (h *Host) LogHandler() slog.Handler {
	l := &logger{h: h, out: &bytes.Buffer{}}
	l.attrs = slog.NewTextHandler(l.out, &slog.HandlerOptions{Level: slog.Level(-1 << 30)})
	return l
}

// A logger writes log lines of one host into the trace. The text handler formats the attributes.
type logger struct {
	h     *Host
	attrs slog.Handler
	out   *bytes.Buffer // the output of attrs
}

func (l *logger) Enabled(context.Context, slog.Level) bool {
	t := &l.h.w.trace
	return t.keep != 0 && !t.sealed
}

func (l *logger) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logger{l.h, l.attrs.WithAttrs(attrs), l.out}
}

func (l *logger) WithGroup(name string) slog.Handler {
	return &logger{l.h, l.attrs.WithGroup(name), l.out}
}

// untold is the beginning of each line of attrs, whose record has neither a time nor a message.
const untold = `level=INFO msg=""`

func (l *logger) Handle(ctx context.Context, r slog.Record) error {
	l.h.w.owned(act("a log line"), l.h)
	if !l.Enabled(ctx, r.Level) {
		return nil
	}
	var rest slog.Record
	r.Attrs(func(a slog.Attr) bool { rest.AddAttrs(a); return true })
	l.out.Reset()
	if err := l.attrs.Handle(ctx, rest); err != nil {
		return err
	}
	attrs := strings.TrimSuffix(strings.TrimPrefix(l.out.String(), untold), "\n")
	l.h.w.trace.add(record{step: l.h.w.step, at: l.h.w.now, host: l.h, kind: isLog, text: r.Level.String() + " " + oneLine(r.Message) + attrs})
	return nil
}

// oneLine quotes a text that contains control characters.
func oneLine(s string) string {
	if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' }) {
		return strconv.Quote(s)
	}
	return s
}
