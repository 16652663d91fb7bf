package reactor

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A random series of calls changes a list and a slice in the same way. After each call, the list
// has the elements of the slice, in both directions. Each cursor is at the element that the slice
// has next.
func TestListAgainstASlice(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		var l list[joiner, *joiner]
		var model []*joiner
		cursors := []**joiner{&l.next, &l.seen}
		at := []int{-1, -1} // the index of each cursor in model; -1: it is nil
		for range 60 {
			switch i := rnd.IntN(len(model) + 3); {
			case i < len(model):
				l.remove(model[i])
				model = slices.Delete(model, i, i+1)
				for c := range at {
					if at[c] > i {
						at[c]--
					} else if at[c] == len(model) {
						at[c] = -1
					}
				}
			case i == len(model):
				for c := range at {
					if *cursors[c] = l.oldest; l.oldest != nil {
						at[c] = 0
					}
				}
			default:
				w := &joiner{}
				l.add(w)
				model = append(model, w)
				if c := rnd.IntN(2); at[c] >= 0 && at[c]+1 < len(model) {
					at[c]++
					*cursors[c] = (*cursors[c]).links().newer
				}
			}
			var forward, back []*joiner
			for w := l.oldest; w != nil; w = w.neighbours.newer {
				forward = append(forward, w)
			}
			for w := l.newest; w != nil; w = w.neighbours.older {
				back = append(back, w)
			}
			slices.Reverse(back)
			if !slices.Equal(forward, model) || !slices.Equal(back, model) || l.n != len(model) {
				t.Fatalf("seed %d: forward %v, back %v, want %v", seed, forward, back, model)
			}
			for c, cursor := range cursors {
				var want *joiner
				if at[c] >= 0 {
					want = model[at[c]]
				}
				if *cursor != want {
					t.Fatalf("seed %d: cursor %d is at %p, want %p", seed, c, *cursor, want)
				}
			}
		}
	}
}
