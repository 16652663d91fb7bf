package main

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/zaplog"
)

// For each kind of field that the program and the loop log, a line equals that of zap's console
// encoder byte for byte.
func TestLinesAreThoseOfZapsConsoleEncoder(t *testing.T) {
	enc := zap.NewDevelopmentEncoderConfig()
	enc.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
	var want, got bytes.Buffer
	zaps := zapcore.NewCore(zapcore.NewConsoleEncoder(enc), zapcore.AddSync(&want), zapcore.InfoLevel)
	out := &logLines{w: &got}
	out.setLevel(zapcore.InfoLevel)
	for _, core := range []zapcore.Core{zaps, logCore{out, nil}} {
		write := func(core zapcore.Core, level zapcore.Level, fields ...zapcore.Field) {
			zaplog.Write(core, zapcore.Entry{Level: level, Time: time.UnixMilli(1e12 + 7), Message: "a message"}, fields)
		}
		write(core, zapcore.DebugLevel)
		write(core, zapcore.InfoLevel)
		write(core, zapcore.InfoLevel, zaplog.Skip())
		loop := core.With([]zapcore.Field{zaplog.Int("loop", 2)})
		write(loop, zapcore.WarnLevel, zaplog.Duration("took", 1500*time.Millisecond), zaplog.Skip(), zaplog.Error(errors.New(`"x"`)))
		write(loop.With([]zapcore.Field{zaplog.String("s", "é")}), zapcore.ErrorLevel)
		write(loop, zapcore.ErrorLevel, zaplog.ByteString("stack", []byte("a\n\tb")), zaplog.Any("value", "bad"))
		write(core, zapcore.ErrorLevel, zaplog.Stringer("at", zapcore.InfoLevel), zaplog.Int("n", -1))
	}
	if want.String() != got.String() {
		t.Errorf("got\n%s\nzap has\n%s", got.String(), want.String())
	}
}
