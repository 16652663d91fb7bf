package zaplog

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zapcore"

	_ "github.com/ureactor/ureactor/internal/longtest" // it defines the flag -long
)

// 5,000 events of one kind come in five seconds of a fake clock. In each second 100 lines and one
// stack are logged. Every event is either logged or counted by the next line.
func TestFloodIsAFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Limit
		lines, stacks, dropped := 0, 0, 0
		const events = 5000
		for range events { // in five seconds of the fake clock
			fields, ok := l.Line(func() zapcore.Field { stacks++; return String("stack", "") })
			if ok {
				lines++
			}
			for _, f := range fields {
				if f.Key == "dropped" && f.Type == zapcore.Int64Type {
					dropped += int(f.Integer)
				}
			}
			time.Sleep(time.Millisecond)
		}
		if lines != 5*Lines || stacks != 5 || dropped+l.dropped+lines != events {
			t.Errorf("%d lines, %d stacks, %d counted of %d events", lines, stacks, dropped+l.dropped+lines, events)
		}
	})
}
