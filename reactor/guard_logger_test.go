//go:build unix

package reactor

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ureactor/ureactor/internal/zaplog"
)

// New refuses a nil logger. Otherwise the program would crash at the first log line, perhaps after
// days.
func TestNoLoggerIsRefused(t *testing.T) {
	for name, opt := range map[string]Option{
		"WithLogger(nil)":             WithLogger(nil),
		"WithLogger of a nil pointer": WithLogger((*zaplog.Logger)(nil)),
		"WithSlog(nil)":               WithSlog(nil),
		"WithSlog of no slog.Logger":  WithSlog(new(slog.Logger)),
	} {
		if _, err := New(opt); err == nil || !strings.Contains(err.Error(), "(nil); leave it out for silence") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// named has a name outside of its core, like a *zap.Logger. This file does not use package zap
// itself, because that would link net/http to these tests.
type named struct{ *zaplog.Logger }

func (named) Name() string { return "app" }

// A zapcore logger and a slog logger get the same lines. A line has the name and the level. It has
// the fields of With, of the loop and of the line, and the stack of a panic. Lines below the level
// of the logger are not written.
func TestBothKindsOfLoggerGetTheSameLines(t *testing.T) {
	core, lines := observer.New(zapcore.InfoLevel)
	var text bytes.Buffer
	for _, opt := range []Option{
		WithLogger(named{zaplog.New(core).With(zaplog.String("host", "a"))}),
		WithSlog(slog.New(slog.NewTextHandler(&text, nil)).With("host", "a")),
	} {
		g, err := NewGroup(1, opt, WithPanicHandler(func(*Conn, any, []byte) {}))
		if err != nil {
			t.Fatal(err)
		}
		r := g.Loops()[0]
		r.log.Debug("below the level")
		r.Post(func() { panic("bad input") })
		if err := r.Turn(0); err != nil {
			t.Error(err)
		}
		r.Close()
		for r.Turn(0) != ErrClosed {
		}
	}
	entries := lines.FilterLevelExact(zapcore.ErrorLevel).All()
	if len(entries) != 1 {
		t.Fatalf("errors: %v of %v", entries, lines.All())
	}
	e, m := entries[0], entries[0].ContextMap()
	stack, _ := m["stack"].(string)
	if e.LoggerName != "app" || m["host"] != "a" || m["loop"] != int64(0) || m["value"] != "bad input" ||
		!strings.Contains(stack, "TestBothKindsOfLogger") {
		t.Errorf("zap's line: %+v %v", e, m)
	}
	want := regexp.MustCompile(`level=ERROR msg="` + e.Message +
		`" host=a loop=0 stack="goroutine .*TestBothKindsOfLogger.*" value="bad input"\n`)
	if !want.MatchString(text.String()) || strings.Contains(text.String(), "DEBUG") {
		t.Errorf("slog's lines: %s", text.String())
	}
	if n := strings.Count(text.String(), "\n"); n != lines.Len() {
		t.Errorf("%d lines of slog, %d of zap", n, lines.Len())
	}
}
