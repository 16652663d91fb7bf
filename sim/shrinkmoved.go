package sim

import (
	"slices"
	"time"
)

// A series is a kind of occasions whose numbers are counted together.
type series struct {
	kind     Kind
	call     Call
	host, to string
}

func (f *Fault) series() series {
	k := f.Kind
	switch k {
	case Doubled, Late, Reset: // packets
		k = Lost
	case NeverReads: // new descriptors
		k = OneByte
	}
	return series{k, f.Call, f.Host, f.To}
}

// seriesMost is how many series moved renumbers. It tries 3 shifts for each.
const seriesMost = 3

// moved tries the remaining faults with other numbers. In a run without the removed fault, a
// program may make one repeated call less, or send one packet more. Then later calls and packets
// have other numbers in their series, and the remaining faults would hit the wrong ones.
func (s *shrinker) moved(gone Fault, rest []Fault) bool {
	var all []series
	for i := range rest {
		if f := &rest[i]; f.At >= gone.At && !slices.Contains(all, f.series()) {
			all = append(all, f.series())
		}
	}
	if i := slices.Index(all, gone.series()); i > 0 {
		all[0], all[i] = all[i], all[0]
	}
	each := min(len(all), seriesMost)
	ways := 1
	for range each {
		ways *= 3
	}
	for way := 1; way < ways; way++ {
		by := map[series]int{}
		for i, n := range all {
			if i < seriesMost {
				by[n] = []int{0, -1, 1}[way/pow3(i)%3]
			}
		}
		if s.still(renumbered(rest, gone.At, by), sizesOf(s.sizes)) {
			return true
		}
	}
	return false
}

func pow3(n int) int { return []int{1, 3, 9}[n] }

// renumbered returns the faults with new numbers: for each fault from a given time on, it adds the
// shift of the fault's series.
func renumbered(faults []Fault, from time.Duration, by map[series]int) []Fault {
	list := slices.Clone(faults)
	for i := range list {
		if f := &list[i]; f.At >= from {
			f.Nth += by[f.series()]
		}
	}
	return list
}
