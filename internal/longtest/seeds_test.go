package longtest

import (
	"flag"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// with runs f as a subtest with these values of -long and -short.
func with(t *testing.T, long, short string, f func(t *testing.T)) {
	t.Helper()
	for name, v := range map[string]string{"long": long, "test.short": short} {
		old := flag.Lookup(name).Value.String()
		defer flag.Set(name, old)
		if err := flag.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("long="+long+" short="+short, f)
}

// Seeds counts from 0, and with -long from a random number.
func TestSeedsAreRandomOnlyWithLong(t *testing.T) {
	if given("seed") {
		t.Log("-seed is given")
		return
	}
	seeds := func(long, short string) (list []uint64) {
		with(t, long, short, func(t *testing.T) { list = slices.Collect(Seeds(t, 1, 3, 4)) })
		return list
	}
	if a, b := seeds("false", "false"), seeds("true", "true"); !slices.Equal(a, []uint64{0, 1, 2}) || !slices.Equal(b, []uint64{0}) {
		t.Errorf("by default %d, with -short %d", a, b)
	}
	first := map[uint64]bool{}
	for range 3 {
		list := seeds("true", "false")
		if first[list[0]] = true; len(list) != 4 || list[3] != list[0]+3 {
			t.Errorf("with -long %d", list)
		}
	}
	if len(first) == 1 {
		t.Error("the seeds with -long are always the same")
	}
}

// rapid.Check makes as many checks as Count says, and always the same ones except with -long. The
// settings of rapid end with the test.
func TestChecksAreRandomOnlyWithLong(t *testing.T) {
	if given("seed") || given("rapid.seed") || given("rapid.checks") {
		t.Log("a flag overrides what is tested")
		return
	}
	draws := func(long, short string) (list []uint64) {
		with(t, long, short, func(t *testing.T) {
			Checks(t, 1, 3, 4)
			if flag.Lookup("rapid.nofailfile").Value.String() != "true" {
				t.Error("rapid writes files")
			}
			rapid.Check(t, func(r *rapid.T) { list = append(list, rapid.Uint64().Draw(r, "any")) })
		})
		return list
	}
	a, b, short := draws("false", "false"), draws("false", "false"), draws("true", "true")
	if !slices.Equal(a, b) || len(a) != 3 || !slices.Equal(short, a[:1]) {
		t.Errorf("by default %d and %d, with -short %d", a, b, short)
	}
	if a, b := draws("true", "false"), draws("true", "false"); len(a) != 4 || slices.Equal(a, b) {
		t.Errorf("with -long %d and %d", a, b)
	}
	for name, want := range map[string]string{"rapid.seed": "0", "rapid.checks": "100"} {
		if got := flag.Lookup(name).Value.String(); got != want {
			t.Errorf("%s is %s at the end, not %s", name, got, want)
		}
	}
}
