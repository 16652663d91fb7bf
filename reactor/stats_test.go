//go:build unix

package reactor

import (
	"reflect"
	"strings"
	"testing"
)

// Each figure that the loop copies in every turn reaches the field of Stats with the same name.
func TestEveryFigureReachesStats(t *testing.T) {
	r := manual(t)
	shown := reflect.ValueOf(&r.board.own.f.often).Elem()
	n := 0
	for i := range shown.NumField() {
		name := shown.Type().Field(i).Name
		field, ok := reflect.TypeFor[Stats]().FieldByName(strings.ToUpper(name[:1]) + name[1:])
		if !ok { // the figure is a field of Load
			continue
		}
		r.board.own.f = figures{}
		set := reflect.NewAt(shown.Field(i).Type(), shown.Field(i).Addr().UnsafePointer()).Elem()
		switch set.Kind() {
		case reflect.Uint64:
			set.SetUint(7)
		default:
			set.SetInt(7)
		}
		var want Stats
		wanted := reflect.ValueOf(&want).Elem().FieldByIndex(field.Index)
		wanted.Set(set.Convert(wanted.Type()))
		if got := r.Stats(); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		n++
	}
	if n != 19 {
		t.Errorf("%d figures of Stats, want 19", n)
	}
}
