package fdtable

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/ureactor/ureactor/internal/longtest"
)

type key struct {
	fd  int32
	gen uint32
}

// The test makes random puts, deletes and look-ups, with present and stale generations. It makes
// the same calls on a map, and compares after each step.
func TestTableDoesWhatAMapDoes(t *testing.T) {
	longtest.Checks(t, 20, 100, 20_000)
	rapid.Check(t, func(t *rapid.T) {
		var table Table[int]
		live := map[key]int{}
		byFD := map[int32]key{}
		var stale []key
		fds := rapid.Int32Range(0, 9)
		draw := func(t *rapid.T) key {
			if fd := fds.Draw(t, "fd"); rapid.Bool().Draw(t, "live") || len(stale) == 0 {
				return byFD[fd]
			}
			return rapid.SampledFrom(stale).Draw(t, "stale")
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				fd, v := fds.Draw(t, "fd"), rapid.Int().Draw(t, "v")
				if _, used := byFD[fd]; used {
					t.Skip()
				}
				k := key{fd, table.Put(int(fd), v)}
				if k.gen == 0 {
					t.Fatal("generation 0 is reserved")
				}
				for _, old := range stale {
					if old == k {
						t.Fatal("a generation came back")
					}
				}
				live[k], byFD[fd] = v, k
			},
			"get": func(t *rapid.T) {
				k := draw(t)
				want, had := live[k]
				if v, ok := table.Get(k.fd, k.gen); v != want || ok != had {
					t.Fatalf("Get%v = %d, %v, want %d, %v", k, v, ok, want, had)
				}
			},
			"delete": func(t *rapid.T) {
				k := draw(t)
				_, had := live[k]
				if table.Delete(k.fd, k.gen) != had {
					t.Fatalf("Delete%v = %v", k, !had)
				}
				if had {
					delete(live, k)
					delete(byFD, k.fd)
					stale = append(stale, k)
				}
			},
			"": func(t *rapid.T) {
				if table.Len() != len(live) {
					t.Fatalf("length %d, want %d", table.Len(), len(live))
				}
				last, seen := -1, 0
				table.All(func(fd int, v int) {
					if fd <= last || v != live[byFD[int32(fd)]] {
						t.Fatalf("All visits %d, %d after %d", fd, v, last)
					}
					last = fd
					seen++
				})
				if seen != len(live) {
					t.Fatalf("All visits %d of %d", seen, len(live))
				}
				for fd := range int32(10) {
					if _, used := byFD[fd]; table.Has(int(fd)) != used {
						t.Fatalf("Has(%d) = %v", fd, !used)
					}
				}
			},
		})
	})
}

// The test sets a slot's generation to the last one before the overflow. The generations after it
// must be odd, must not be 0, and must differ.
func TestGenerationsSurviveTheWrap(t *testing.T) {
	var table Table[string]
	for range 3 {
		table.Delete(4, table.Put(4, ""))
	}
	table.slots[4].gen = math.MaxUint32 - 1 // the slot is free, as after 2^31 reuses
	last := table.Put(4, "last")
	if last != math.MaxUint32 {
		t.Fatalf("generation %d", last)
	}
	if !table.Delete(4, last) || table.Has(4) {
		t.Fatal("the last generation was not deleted")
	}
	first := table.Put(4, "first")
	if first != 1 {
		t.Fatalf("generation %d after the wrap", first)
	}
	if v, ok := table.Get(4, first); v != "first" || !ok {
		t.Fatal("the first generation is not found")
	}
	if _, ok := table.Get(4, last); ok {
		t.Fatal("the stranger was found under the last generation")
	}
}

// An even generation belongs to a free slot, so Get must not find it. This holds for 0 above all.
func TestFreeSlotIsNotFound(t *testing.T) {
	var table Table[string]
	gen := table.Put(2, "x")
	table.Delete(2, gen)
	for _, k := range []key{{2, 0}, {2, gen}, {2, gen + 1}, {1, 0}, {0, 0}, {3, 1}, {-1, 0}, {-1, 1}, {math.MaxInt32, 1}} {
		if _, ok := table.Get(k.fd, k.gen); ok || table.Delete(k.fd, k.gen) {
			t.Errorf("%v is found", k)
		}
	}
	if table.Has(-1) || table.Has(2) || table.Has(99) {
		t.Error("Has finds a free slot")
	}
}

// Delete drops the value. Otherwise the table would keep a closed connection in memory.
func TestDeleteForgetsTheValue(t *testing.T) {
	var table Table[*int]
	table.Delete(0, table.Put(0, new(int)))
	if table.slots[0].v != nil {
		t.Fatal("the value is still there")
	}
}

func TestAllMayDelete(t *testing.T) {
	table := Table[uint32]{slots: make([]slot[uint32], 8)}
	for fd := range 8 {
		table.slots[fd].v = table.Put(fd, 0)
	}
	table.All(func(fd int, gen uint32) { table.Delete(int32(fd), gen) })
	if table.Len() != 0 {
		t.Fatalf("%d left", table.Len())
	}
}

func TestPutOfWhatIsThereOrNegativePanics(t *testing.T) {
	var table Table[int]
	table.Put(3, 0)
	for fd, want := range map[int]string{
		3:  "fdtable: descriptor 3 is in the table already; stop its owner before closing it",
		-1: "fdtable: descriptor -1: must be 0 … 2147483647",
	} {
		func() {
			defer func() {
				if r := recover(); r != want {
					t.Errorf("Put(%d): %v", fd, r)
				}
			}()
			table.Put(fd, 0)
		}()
	}
}

// The test adds many descriptors and removes them, in several orders. The slots must be removed
// too. When the numbers are used again, no generation may appear a second time.
func TestTableShrinks(t *testing.T) {
	n := longtest.Count(10_000, 100_000, 100_000)
	for name, number := range map[string]func(i int) int{
		"up": func(i int) int { return i }, "down": func(i int) int { return n - 1 - i }, "mixed": func(i int) int { return i * 7919 % n },
	} {
		var table Table[int]
		first, second := make([]uint32, n), make([]uint32, n)
		for fd := range n {
			first[fd] = table.Put(fd, fd)
		}
		for i := range n {
			if fd := number(i); !table.Delete(int32(fd), first[fd]) {
				t.Fatalf("%s: %d is not there", name, fd)
			}
		}
		if table.Len() != 0 || cap(table.slots) > 4*tableKeep {
			t.Errorf("%s: room for %d is kept", name, cap(table.slots))
		}
		for fd := range n {
			second[fd] = table.Put(fd, fd)
		}
		for fd := range n {
			if _, ok := table.Get(int32(fd), first[fd]); ok || first[fd] == second[fd] {
				t.Fatalf("%s: a stale generation of %d is found", name, fd)
			}
			if v, ok := table.Get(int32(fd), second[fd]); !ok || v != fd {
				t.Fatalf("%s: %d, %v instead of %d", name, v, ok, fd)
			}
		}
	}
}
