package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
)

// gossip makes n hosts that send a datagram to every host once in a millisecond. heard returns how
// many datagrams have arrived since its last call, by sender and receiver.
func gossip(w *sim.World, n int) (hosts []*sim.Host, heard func() map[string]int) {
	var fds []int
	for i := range n {
		h := w.Host(fmt.Sprintf("10.0.0.%d", i+1))
		fd, _ := h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		h.Bind(fd, kernel.Inet(addr(h.Name()+":9")))
		hosts, fds = append(hosts, h), append(fds, fd)
	}
	var round func()
	round = func() {
		for i, h := range hosts {
			for _, to := range hosts {
				h.SendTo(fds[i], []byte("x"), 0, kernel.Inet(addr(to.Name()+":9")))
			}
		}
		w.At(time.Millisecond, round)
	}
	w.At(0, round)
	return hosts, func() map[string]int {
		ways := map[string]int{}
		buf := make([]byte, 1)
		for i, h := range hosts {
			for _, from, e := h.RecvFrom(fds[i], buf, 0); e == 0; _, from, e = h.RecvFrom(fds[i], buf, 0) {
				ways[from.AddrPort().Addr().String()+h.Name()]++
			}
		}
		return ways
	}
}

// Five hosts send to each other during a Swizzle of four of them. In the middle of the Swizzle the
// seed has closed some directions. Packets from a host to itself always arrive. At the end all
// directions are open again, even if Heal is called early.
func TestSwizzleEndsInPeace(t *testing.T) {
	histories := map[uint64]bool{}
	clogged := 0
	seeds := longtest.Count(1, 6, 15)
	for seed := range uint64(seeds) {
		for range 2 {
			w := sim.New(seed, sim.Options{})
			hosts, heard := gossip(w, 5)
			swizzled := hosts[:4]
			w.Swizzle(time.Second, swizzled...)
			end := time.Second
			if seed%5 == 0 {
				end = 600 * time.Millisecond
				w.At(end, w.Heal)
			}
			w.Run(450 * time.Millisecond)
			heard()
			w.Run(50 * time.Millisecond)
			ways := heard()
			clogged += 25 - len(ways)
			for _, h := range hosts {
				if ways[h.Name()+h.Name()] < 49 {
					t.Errorf("seed %d: %s heard %d of itself", seed, h, ways[h.Name()+h.Name()])
				}
			}
			if seed%10 == 1 && len(ways) == 25 { // by then the last one has begun
				t.Errorf("seed %d: all ways are open in the middle", seed)
			}
			w.Run(end - 500*time.Millisecond + 10*time.Millisecond)
			heard()
			w.Run(100 * time.Millisecond)
			if ways := heard(); len(ways) != 25 {
				t.Errorf("seed %d: after it %d ways of 25 are open", seed, len(ways))
			}
			histories[w.Hash()] = true
			w.Close()
		}
	}
	if len(histories) != seeds || clogged < seeds*2*2 {
		t.Errorf("%d histories of %d seeds, %d ways were clogged", len(histories), seeds, clogged)
	}
}
