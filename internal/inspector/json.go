package inspector

import (
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// appendJSON appends a view in the format of encoding/json. A test compares the two. encoding/json
// itself would add 300 KB to cmd/echo. appendJSON supports the types that views use, and panics for
// others.
func appendJSON(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		return appendJSONString(b, v.String())
	case reflect.Int, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Uint64:
		return strconv.AppendUint(b, v.Uint(), 10)
	case reflect.Float64:
		return strconv.AppendFloat(b, v.Float(), 'f', -1, 64)
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, "null"...)
		}
		return appendJSON(b, v.Elem())
	case reflect.Slice:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ",\n"...)
			}
			b = appendJSON(b, v.Index(i))
		}
		return append(b, ']')
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
		}
		b, _ = appendJSONFields(append(b, '{'), v, "")
		return append(b, '}')
	}
	panic("inspect: no JSON for " + v.Type().String())
}

// appendJSONFields appends the fields that have a name, including those of an embedded struct.
func appendJSONFields(b []byte, v reflect.Value, sep string) ([]byte, string) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			b, sep = appendJSONFields(b, v.Field(i), sep)
			continue
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || option == "omitempty" && empty(v.Field(i)) {
			continue
		}
		b = append(append(append(b, sep...), '"'), name...)
		b = appendJSON(append(b, `": `...), v.Field(i))
		sep = ", "
	}
	return b, sep
}

func empty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}

// appendJSONString appends a string. It also escapes the characters that are markup in HTML.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ' || c == 0x7f || strings.ContainsRune("<>&\u2028\u2029", c):
			b = append(b, `\u`...)
			for shift := 12; shift >= 0; shift -= 4 {
				b = append(b, "0123456789abcdef"[c>>shift&15])
			}
		default: // this also handles bytes that are not UTF-8
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"')
}
