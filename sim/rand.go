package sim

import "math/bits"

// A Rand is a source of random choices with a seed (splitmix64). Programs that need random numbers
// use Host.Rand, so that the world's seed decides. A Rand returns only integers, because integer
// arithmetic gives the same results on every machine.
type Rand struct{ state uint64 }

// Uint64 returns the next number.
func (r *Rand) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return scramble(r.state)
}

// scramble maps every number to a different one that looks random.
func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// N returns a number from 0 to n-1. n must be at least 1.
func (r *Rand) N(n int64) int64 {
	if n < 1 {
		panic("sim: Rand.N of less than 1")
	}
	hi, _ := bits.Mul64(r.Uint64(), uint64(n))
	return int64(hi)
}

// Int is N for ints.
func (r *Rand) Int(n int) int { return int(r.N(int64(n))) }

// Chance returns true with the probability p.
func (r *Rand) Chance(p Chance) bool { return p > 0 && r.N(int64(Always)) < int64(p) }

// Bytes fills p with random bytes.
func (r *Rand) Bytes(p []byte) {
	for i := range p {
		p[i] = byte(r.Uint64() >> 56)
	}
}

// split returns an independent source. Later use of r does not change the numbers of that source.
func (r *Rand) split() *Rand { return &Rand{r.Uint64()} }
