package zaplog

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	_ "github.com/ureactor/ureactor/internal/longtest" // it defines the flag -long
)

// Each function makes the same field as zap's function with the same name.
func TestFieldsAreZapsFields(t *testing.T) {
	addr := netip.MustParseAddrPort("127.0.0.1:80")
	err := errors.New("broken")
	pairs := map[string][2]zapcore.Field{
		"Skip":       {Skip(), zap.Skip()},
		"String":     {String("k", "v"), zap.String("k", "v")},
		"ByteString": {ByteString("k", []byte("v")), zap.ByteString("k", []byte("v"))},
		"Int":        {Int("k", -1), zap.Int("k", -1)},
		"Int64":      {Int("k", int64(1)<<40), zap.Int64("k", 1<<40)},
		"Duration":   {Duration("k", time.Second), zap.Duration("k", time.Second)},
		"Stringer":   {Stringer("k", addr), zap.Stringer("k", addr)},
		"Error":      {Error(err), zap.Error(err)},
		"no error":   {Error(nil), zap.Error(nil)},
	}
	for _, v := range []any{nil, "v", err, addr, pairs} {
		pairs[fmt.Sprintf("Any of %T", v)] = [2]zapcore.Field{Any("k", v), zap.Any("k", v)}
	}
	for name, p := range pairs {
		if p[0].Type != p[1].Type || p[0].Key != p[1].Key || p[0].Integer != p[1].Integer || p[0].String != p[1].String {
			t.Errorf("%s: %+v, zap's is %+v", name, p[0], p[1])
		}
	}
}

// Any makes the same text in JSON as zap's Any, for values of other types too.
func TestAnyIsZapsAnyInJSON(t *testing.T) {
	for _, v := range []any{true, 1, int64(-2), uint8(9), 3.5, time.Second, []byte{1}, [2]int{1, 2}, struct{ X string }{"y"}} {
		var text [2]string
		for i, f := range []zapcore.Field{Any("k", v), zap.Any("k", v)} {
			enc := zapcore.NewJSONEncoder(zapcore.EncoderConfig{EncodeDuration: zapcore.StringDurationEncoder})
			b, err := enc.EncodeEntry(zapcore.Entry{}, []zapcore.Field{f})
			if err != nil {
				t.Fatal(err)
			}
			text[i] = b.String()
		}
		if text[0] != text[1] {
			t.Errorf("%T: %s, zap's is %s", v, text[0], text[1])
		}
	}
}

// The name, the fields and the level of a *zap.Logger reach the core. A nil logger is refused when
// it is passed to Of, and not later when an entry is written.
func TestOfKeepsWhatZapsLoggerCarries(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	log := Of(zap.New(core).Named("net").Named("loop").With(zap.String("host", "a"))).With(Int("loop", 3))
	log.Info("below the level")
	log.Warn("above it", Error(errors.New("broken")))
	lines := logs.AllUntimed()
	if len(lines) != 1 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	want := fmt.Sprint(map[string]any{"host": "a", "loop": int64(3), "error": "broken"})
	if e := lines[0]; e.LoggerName != "net.loop" || e.Message != "above it" || fmt.Sprint(e.ContextMap()) != want {
		t.Errorf("%+v", e)
	}
	for _, none := range []interface{ Core() zapcore.Core }{nil, (*zap.Logger)(nil), (*Logger)(nil), coreless{}} {
		if Of(none) != nil {
			t.Errorf("%T %[1]v is taken for a logger", none)
		}
	}
}

type coreless struct{}

func (coreless) Core() zapcore.Core { return nil }

// A slog.Handler gets the same lines as a Core: the level, the fields of the entry and those of
// With, in the same order and with the same types.
func TestSlogGetsTheSameLines(t *testing.T) {
	var out bytes.Buffer
	h := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				if time.Since(a.Value.Time()) > time.Hour {
					t.Errorf("a line of %v", a.Value)
				}
				return slog.Attr{}
			}
			if _, isError := a.Value.Any().(error); a.Key == "error" && !isError {
				t.Errorf("the error is a %T", a.Value.Any())
			}
			return a
		}})
	log := Slog(h).With(Int("loop", 1))
	log.Debug("silent")
	log.Info("one", Skip(), String("s", "x y"), Duration("d", time.Minute))
	log.Warn("two", Stringer("a", netip.IPv6Loopback()), ByteString("b", []byte("raw")))
	log.Error("three", Error(errors.New("broken")), Any("value", 2.5), Any("on", true))
	want := `
level=INFO msg=one loop=1 s="x y" d=1m0s
level=WARN msg=two loop=1 a=::1 b=raw
level=ERROR msg=three loop=1 error=broken value=2.5 on=true
`
	if got := out.String(); got != strings.TrimPrefix(want, "\n") {
		t.Errorf("got:\n%s", got)
	}
}
