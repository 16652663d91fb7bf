package zaplog

import (
	"fmt"
	"math"
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

// Any is for the value of a panic. The types that such values mostly have get the field that
// zap.Any makes of them; reflection encodes the others.
func Any(key string, value any) zapcore.Field {
	f := zapcore.Field{Key: key, Interface: value}
	switch v := value.(type) {
	case zapcore.ObjectMarshaler:
		f.Type = zapcore.ObjectMarshalerType
	case zapcore.ArrayMarshaler:
		f.Type = zapcore.ArrayMarshalerType
	case string:
		return String(key, v)
	case bool:
		f = zapcore.Field{Key: key, Type: zapcore.BoolType}
		if v {
			f.Integer = 1
		}
	case int:
		return Int(key, v)
	case int64:
		return Int(key, v)
	case float64:
		return zapcore.Field{Key: key, Type: zapcore.Float64Type, Integer: int64(math.Float64bits(v))}
	case time.Duration:
		return Duration(key, v)
	case []byte:
		f.Type = zapcore.BinaryType
	case error:
		f.Type = zapcore.ErrorType
	case fmt.Stringer:
		f.Type = zapcore.StringerType
	default:
		f.Type = zapcore.ReflectType
	}
	return f
}

// Value returns what a field of this package holds: an int64, time.Duration, bool, float64, string,
// []byte or error, or the value given to Any. A Stringer becomes a string, because it may describe
// an object that changes.
func Value(f zapcore.Field) any {
	switch f.Type {
	case zapcore.Int64Type:
		return f.Integer
	case zapcore.DurationType:
		return time.Duration(f.Integer)
	case zapcore.BoolType:
		return f.Integer == 1
	case zapcore.Float64Type:
		return math.Float64frombits(uint64(f.Integer))
	case zapcore.StringType:
		return f.String
	case zapcore.ByteStringType:
		return string(f.Interface.([]byte))
	case zapcore.StringerType:
		return fmt.Sprint(f.Interface)
	}
	return f.Interface
}
