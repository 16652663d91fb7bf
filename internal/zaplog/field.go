package zaplog

import (
	"fmt"
	"time"

	"go.uber.org/zap/zapcore"
)

// The functions below make the fields that zap's functions of the same names make.

func Skip() zapcore.Field { return zapcore.Field{Type: zapcore.SkipType} }

func String(key, s string) zapcore.Field {
	return zapcore.Field{Key: key, Type: zapcore.StringType, String: s}
}

func ByteString(key string, b []byte) zapcore.Field {
	return zapcore.Field{Key: key, Type: zapcore.ByteStringType, Interface: b}
}

func Int[I int | int64](key string, i I) zapcore.Field {
	return zapcore.Field{Key: key, Type: zapcore.Int64Type, Integer: int64(i)}
}

func Duration(key string, d time.Duration) zapcore.Field {
	return zapcore.Field{Key: key, Type: zapcore.DurationType, Integer: int64(d)}
}

func Stringer(key string, s fmt.Stringer) zapcore.Field {
	return zapcore.Field{Key: key, Type: zapcore.StringerType, Interface: s}
}

// Error has the key "error". A nil error is left out.
func Error(err error) zapcore.Field {
	if err == nil {
		return Skip()
	}
	return zapcore.Field{Key: "error", Type: zapcore.ErrorType, Interface: err}
}

// Any is for the value of a panic, usually a string, an error or a Stringer. Any other value is
// encoded by reflection, with the same result in JSON as zap's own types.
func Any(key string, value any) zapcore.Field {
	f := zapcore.Field{Key: key, Interface: value}
	switch v := value.(type) {
	case string:
		return String(key, v)
	case error:
		f.Type = zapcore.ErrorType
	case fmt.Stringer:
		f.Type = zapcore.StringerType
	default:
		f.Type = zapcore.ReflectType
	}
	return f
}

// Value returns the value in a field of this package: an int64, a time.Duration, a string, an
// error, or the value given to Any. A Stringer becomes a string, because it may describe an object
// that changes.
func Value(f zapcore.Field) any {
	switch f.Type {
	case zapcore.Int64Type:
		return f.Integer
	case zapcore.DurationType:
		return time.Duration(f.Integer)
	case zapcore.StringType:
		return f.String
	case zapcore.ByteStringType:
		return string(f.Interface.([]byte))
	case zapcore.StringerType:
		return fmt.Sprint(f.Interface)
	}
	return f.Interface
}
