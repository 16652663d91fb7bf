package zaplog

import (
	"fmt"
	"time"

	"go.uber.org/zap/zapcore"
)

// The functions below make the same fields as zap's functions with the same names.

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

// Error makes a field with the key "error". For a nil error, the field is skipped.
func Error(err error) zapcore.Field {
	if err == nil {
		return Skip()
	}
	return zapcore.Field{Key: "error", Type: zapcore.ErrorType, Interface: err}
}

// Any makes a field for the value of a panic, which is usually a string, an error or a Stringer.
// Other values are encoded by reflection. In JSON that has the same result as zap's Any.
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

// Value returns the value of a field that this package has made: an int64, a time.Duration, a
// string, an error, or the value that was passed to Any. A Stringer is converted to a string at
// once, because the object that it describes may change.
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
