package reactor

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// leaves calls f for each number in a struct, with the path of the number.
func leaves(path string, v reflect.Value, f func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(path+"."+v.Type().Field(i).Name, v.Field(i), f)
		}
	case reflect.Array:
		for i := range v.Len() {
			leaves(fmt.Sprintf("%s[%d]", path, i), v.Index(i), f)
		}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		f(path, v)
	}
}

// numbered fills a struct with different numbers, and returns them by their paths.
func numbered(v any, next int) map[string]int {
	all := map[string]int{}
	leaves("", reflect.ValueOf(v).Elem(), func(path string, v reflect.Value) {
		next += 7
		v.Set(reflect.ValueOf(next).Convert(v.Type()))
		all[path] = next
	})
	return all
}

// compare compares each number of a struct with the wanted one.
func compare(t *testing.T, v any, want func(path string) int) {
	t.Helper()
	leaves("", reflect.ValueOf(v).Elem(), func(path string, v reflect.Value) {
		if got := int(v.Convert(reflect.TypeFor[int]()).Int()); got != want(path) {
			t.Errorf("%s is %d, want %d", path, got, want(path))
		}
	})
}

// The figures of a Group combine every field of its loops' figures. Times and counts are sums, and
// maxima are the largest value.
func TestSumsHaveEveryField(t *testing.T) {
	var a, b Stats
	x, y := numbered(&a, 1000), numbered(&b, 50)
	a.add(b)
	compare(t, &a, func(path string) int { return x[path] + y[path] })

	for _, starts := range [][2]int{{1000, 50}, {50, 1000}} {
		var a, b Load
		x, y := numbered(&a, starts[0]), numbered(&b, starts[1])
		a.add(&b)
		compare(t, &a, func(path string) int {
			if partOf(path, ".Present", ".Unsent", ".Longest", ".Recent") {
				return max(x[path], y[path])
			}
			return x[path] + y[path]
		})
	}
}

// partOf returns whether the path is one of these fields, or is inside one.
func partOf(path string, fields ...string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return path == f || strings.HasPrefix(path, f+".") })
}

// Since subtracts the fields that only grow. The other fields are those of the later Load.
func TestSinceSubtractsWhatGrows(t *testing.T) {
	var a, b Load
	x, y := numbered(&a, 5000), numbered(&b, 50)
	d := a.Since(&b)
	compare(t, &d, func(path string) int {
		if partOf(path, ".Present", ".Unsent", ".Longest", ".Recent") {
			return x[path]
		}
		return x[path] - y[path]
	})
}

// Utilization is Busy / (Busy + Idle), or 0 if no time has passed.
func TestUtilizationOfLittleTime(t *testing.T) {
	for load, want := range map[[2]time.Duration]float64{{0, 0}: 0, {1, 0}: 1, {0, 1}: 0, {1, 1}: 0.5} {
		if got := (Load{Busy: load[0], Idle: load[1]}).Utilization(); got != want {
			t.Errorf("%v: %v, want %v", load, got, want)
		}
	}
}
