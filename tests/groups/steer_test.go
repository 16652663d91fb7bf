package groups

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// choose is the algorithm with which Linux chooses one of the n sockets of an SO_REUSEPORT address.
// It takes Jenkins's hash of the four-tuple with the kernel's secret (inet_ehashfn). It scales the
// hash to n (reuseport_select_sock).
func choose(laddr, faddr uint32, lport, fport uint16, secret uint32, n int) int {
	const golden = 0xdeadbeef + 3<<2
	a, b, c := laddr+golden+secret, faddr+golden+secret, uint32(lport)<<16+uint32(fport)+golden+secret
	for _, step := range [...]struct {
		x, y *uint32
		rol  int
	}{{&c, &b, 14}, {&a, &c, 11}, {&b, &a, 25}, {&c, &b, 16}, {&a, &c, 4}, {&b, &a, 14}, {&c, &b, 24}} {
		*step.x ^= *step.y
		*step.x -= bits.RotateLeft32(*step.y, step.rol)
	}
	return int(uint64(c) * uint64(n) >> 32)
}

// populations are sets of clients. from returns the address and the port of the i-th connection's
// client.
var populations = []struct {
	name string
	from func(rnd *rand.Rand, i int) (addr uint32, port uint16)
}{
	{"anywhere", func(rnd *rand.Rand, _ int) (uint32, uint16) { return rnd.Uint32(), uint16(1024 + rnd.IntN(64512)) }},
	{"16 proxies, ports in turn", func(_ *rand.Rand, i int) (uint32, uint16) {
		return 0x0a000001 + uint32(i%16), uint16(1024 + i/16%64512)
	}},
	{"36 proxies, even ports first", func(_ *rand.Rand, i int) (uint32, uint16) {
		return 0x0a000001 + uint32(i/28000%36), uint16(32768 + i%14000*2 + i/14000%2)
	}},
}

// shares distributes n connections over the loops, and returns the number of connections of each
// loop.
func shares(rnd *rand.Rand, loops, n int, from func(*rand.Rand, int) (uint32, uint16)) []int {
	count := make([]int, loops)
	secret := rnd.Uint32()
	for i := range n {
		addr, port := from(rnd, i)
		count[choose(0x7f000001, addr, 7777, port, secret, loops)]++
	}
	return count
}

// off returns by how much the largest and the smallest count differ from the mean, as fractions of
// the mean.
func off(count []int) (most, least float64) {
	sum, high, low := 0, count[0], count[0]
	for _, n := range count {
		sum, high, low = sum+n, max(high, n), min(low, n)
	}
	mean := float64(sum) / float64(len(count))
	return float64(high)/mean - 1, float64(low)/mean - 1
}

// The kernel distributes connections as evenly as chance, whatever the clients' addresses are. With
// 2 to 64 loops and 10,000 to 1,000,000 connections, each loop is within five standard deviations
// of a binomial draw. Two loops with 10,000 connections are within 10 %.
func TestSteeringIsAsEvenAsChance(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, p := range populations {
		for _, loops := range []int{2, 4, 16, 64} {
			for _, n := range []int{10_000, 100_000, 1_000_000}[:longtest.Count(1, 2, 3)] {
				most, least := off(shares(rnd, loops, n, p.from))
				mean := float64(n) / float64(loops)
				sigma := math.Sqrt(mean*(1-1/float64(loops))) / mean
				t.Logf("%-31s %2d loops, %7d connections: σ %4.1f %%, fullest %+5.1f %%, emptiest %+5.1f %%",
					p.name, loops, n, 100*sigma, 100*most, 100*least)
				if most > 5*sigma || -least > 5*sigma {
					t.Errorf("%s, %d loops, %d connections: off by %.3f and %.3f, σ is %.3f", p.name, loops, n, most, least, sigma)
				}
				if loops == 2 && (most > .1 || -least > .1) {
					t.Errorf("two loops: off by %.3f", most)
				}
			}
		}
	}
}

// Connections arrive, and open ones end at random. RoundRobin keeps only the arrivals even: the
// numbers of open connections drift apart as far as with the kernel's hash. LeastConns keeps these
// numbers even.
func TestBalanceUnderChurn(t *testing.T) {
	const loops, open = 64, 100_000
	churn := longtest.Count(100_000, 500_000, 500_000)
	for _, least := range []bool{false, true} {
		t.Run(fmt.Sprint("least ", least), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(3, 4))
			count := make([]int, loops)
			var home []uint8 // the loop of each connection
			next := 0
			arrive := func() {
				best := next
				for k := range loops {
					if i := (next + k) % loops; least && count[i] < count[best] {
						best = i
					}
				}
				next = (best + 1) % loops
				count[best]++
				home = append(home, uint8(best))
			}
			for range open {
				arrive()
			}
			for range churn {
				i := rnd.IntN(len(home))
				count[home[i]]--
				home[i] = home[len(home)-1]
				home = home[:len(home)-1]
				arrive()
			}
			most, low := off(count)
			t.Logf("%d loops, %d open after %d have left and come: fullest %+.2f %%, emptiest %+.2f %%", loops, open, churn, 100*most, 100*low)
			if least && (most > .002 || -low > .002) || !least && most < .02 {
				t.Errorf("off by %.4f and %.4f", most, low)
			}
		})
	}
}
