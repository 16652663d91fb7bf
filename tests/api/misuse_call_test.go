//go:build unix

package api

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/socket"
)

// most is the maximum number of bytes that one call may allocate, whatever its arguments are.
const most = 8 << 20

// A use describes how methods are called. subject makes the object, and done closes it. arg returns
// an ordinary argument. If arg returns an invalid Value, the function usual makes the argument.
type use struct {
	subject func(t *testing.T) (v any, done func())
	arg     func(method string, i int, typ reflect.Type) reflect.Value
	skip    map[string]string // methods that are not called, with the reasons
}

// takes has the arguments for which odd values are allowed, by function and position. The values
// say why.
type takes map[string]string

// odd returns the odd values of a type.
func odd(typ reflect.Type) (list []reflect.Value) {
	add := func(v any) { list = append(list, reflect.ValueOf(v).Convert(typ)) }
	switch typ.Kind() {
	case reflect.Int, reflect.Int64:
		for _, n := range []int64{-1, 0, math.MinInt64, math.MinInt32, math.MinInt32 - 1, math.MaxInt32, math.MaxInt32 + 1,
			1 << 32, 1<<32 + 1, math.MaxInt64} {
			if v := reflect.New(typ).Elem(); !v.OverflowInt(n) {
				add(n)
			}
		}
	case reflect.Int32:
		for _, n := range []int32{-1, 0, math.MinInt32, math.MaxInt32} {
			add(n)
		}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		add(0)
		list = append(list, reflect.ValueOf(uint64(math.MaxUint64)).Convert(typ))
	case reflect.Float64:
		for _, f := range []float64{-1, 0, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64} {
			add(f)
		}
	case reflect.Slice:
		list = append(list, reflect.Zero(typ), reflect.MakeSlice(typ, 0, 0))
	case reflect.Func, reflect.Pointer, reflect.Interface:
		list = append(list, reflect.Zero(typ))
	}
	return list
}

// usual returns an ordinary value of a type.
func usual(typ reflect.Type) reflect.Value {
	switch typ.Kind() {
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return reflect.ValueOf(1).Convert(typ)
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.Uint8 {
			return reflect.ValueOf([]byte("xy")).Convert(typ)
		}
		return reflect.MakeSlice(typ, 0, 0)
	case reflect.Func:
		return reflect.MakeFunc(typ, func([]reflect.Value) (out []reflect.Value) {
			for i := range typ.NumOut() {
				out = append(out, reflect.Zero(typ.Out(i)))
			}
			return out
		})
	}
	return reflect.Zero(typ)
}

// methods calls each exported method of u's object that has a parameter of a type with odd values.
// It calls the method once with each odd value. The other arguments are ordinary.
func methods(t *testing.T, name string, u use, ok takes) {
	v, done := u.subject(t)
	typ := reflect.TypeOf(v)
	done()
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		if _, skipped := u.skip[m.Name]; skipped {
			continue
		}
		sweep(t, name+"."+m.Name, m.Type, 1, ok, func(i int, typ reflect.Type) reflect.Value {
			if u.arg == nil {
				return reflect.Value{}
			}
			return u.arg(m.Name, i, typ)
		}, func(t *testing.T, call func(f reflect.Value)) {
			v, done := u.subject(t)
			defer done()
			call(reflect.ValueOf(v).MethodByName(m.Name))
		})
	}
}

// sweep calls one function with each odd value at each position. The first position is first.
func sweep(t *testing.T, name string, typ reflect.Type, first int, ok takes, arg func(int, reflect.Type) reflect.Value,
	with func(t *testing.T, call func(f reflect.Value))) {
	for at := first; at < typ.NumIn(); at++ {
		elem := typ.In(at)
		variadic := typ.IsVariadic() && at == typ.NumIn()-1
		if variadic {
			elem = elem.Elem()
		}
		for _, value := range odd(elem) {
			args := make([]reflect.Value, 0, typ.NumIn())
			for i := first; i < typ.NumIn(); i++ {
				switch {
				case i == at:
					args = append(args, value)
					continue
				case typ.IsVariadic() && i == typ.NumIn()-1:
					continue
				}
				v := reflect.Value{}
				if arg != nil {
					v = arg(i-first, typ.In(i))
				}
				if !v.IsValid() {
					v = usual(typ.In(i))
				}
				args = append(args, v)
			}
			what := fmt.Sprintf("%s: argument %d is %v", name, at-first, show(value))
			with(t, func(f reflect.Value) {
				judge(t, what, fmt.Sprintf("%s.%d", name, at-first), f, args, value, ok)
			})
		}
	}
}

func show(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Slice, reflect.Func:
		if v.IsNil() {
			return "nil"
		}
		return "empty"
	}
	return fmt.Sprint(v)
}

// judge calls f and checks the outcome. If a number is out of range, f must return an error that
// names the number, or panic with a message of this module. ok lists the arguments for which odd
// values are allowed.
func judge(t *testing.T, what, key string, f reflect.Value, args []reflect.Value, value reflect.Value, ok takes) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out, panicked := call(f, args)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > most {
		t.Errorf("%s: %d bytes were allocated", what, n)
	}
	if panicked != nil {
		if text, is := panicked.(string); !is || !ours(text) {
			t.Errorf("%s: panic: %v", what, panicked)
		}
		return
	}
	if len(out) == 0 || !out[len(out)-1].Type().Implements(reflect.TypeFor[error]()) || !strange(value) {
		return
	}
	err, _ := out[len(out)-1].Interface().(error)
	var e syscall.Errno
	var os *socket.OSError // the errno names the mistake
	switch _, may := ok[key]; {
	case err == nil && !may:
		t.Errorf("%s (%s): nil", what, key)
	case err != nil && !errors.As(err, &e) && !errors.As(err, &os) && !names(err.Error(), value) && !may:
		t.Errorf("%s (%s): the error does not name it: %v", what, key, err)
	}
	for i, v := range out[:len(out)-1] {
		empty := v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 || strings.Contains(key, ".Append")
		if err != nil && !empty {
			t.Errorf("%s (%s): result %d is %v, and the error %v", what, key, i, v, err)
		}
	}
}

// names returns whether a text contains the value. Flags may be hexadecimal.
func names(text string, v reflect.Value) bool {
	return strings.Contains(text, show(v)) || v.CanInt() && strings.Contains(text, fmt.Sprintf("%#x", v.Int()))
}

func call(f reflect.Value, args []reflect.Value) (out []reflect.Value, panicked any) {
	defer func() { panicked = recover() }()
	return f.Call(args), nil
}

// ours returns whether a panic's text comes from this module.
func ours(text string) bool {
	for _, p := range []string{"frame: ", "inspect: ", "reactor: ", "socket: ", "sel: ", "netconn: ", "metrics: ", "poller: ", "timeout: ", "fdtable: ", "timerq: ", "websocket: "} {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// strange returns whether a number is negative or does not fit in 32 bits.
func strange(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Int, reflect.Int64, reflect.Int32:
		if v.Type() == reflect.TypeFor[time.Duration]() {
			return v.Int() < 0
		}
		return v.Int() < 0 || v.Int() > math.MaxInt32
	case reflect.Float64:
		return !(v.Float() >= 0)
	}
	return false
}
