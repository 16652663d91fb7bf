//go:build unix

package reactor

import (
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

// in runs turns until `count` has reached `all`. It fails if a turn adds more than `most`.
func (l *lab) in(most, all int, count func() int) {
	l.Helper()
	before, worst := count(), 0
	l.until(func() bool {
		now := count()
		worst = max(worst, now-before)
		before = now
		return now >= all
	})
	if worst > most {
		l.Errorf("%d in one turn, want at most %d", worst, most)
	}
	if before != all {
		l.Errorf("%d in all, want %d", before, all)
	}
}

const plenty = 3000

// One callback makes more work of every kind than a turn's budget allows. Each turn does as much
// work as its budget allows, in the order in which it was made. At the end all work is done, each
// piece once.
func TestTurnIsBounded(t *testing.T) {
	twice(t, func(t *lab) {
		for name, f := range map[string]func(t *lab, r *Reactor, ran *int) (most, all int){
			"posts": func(t *lab, r *Reactor, ran *int) (most, all int) {
				for i := range plenty {
					must(t, r.Post(func() { t.is(ran, i) }))
				}
				return postsPerTurn, plenty
			},
			"timers": func(t *lab, r *Reactor, ran *int) (most, all int) {
				for i := range plenty {
					r.After(0, func() { t.is(ran, i) })
				}
				return timersPerTurn, plenty
			},
			"tasks": func(t *lab, r *Reactor, ran *int) (most, all int) {
				for i := range plenty {
					r.Go(func(*Task) { t.is(ran, i) })
				}
				return tasksPerTurn, plenty
			},
			"joins": func(t *lab, r *Reactor, ran *int) (most, all int) {
				end := false
				u := r.Go(func(u *Task) {
					for !end {
						must(t, u.Sleep(time.Hour))
					}
				})
				for i := range plenty {
					r.Go(func(w *Task) {
						if _, err := w.Join(u); err == nil {
							t.is(ran, i)
						}
					})
				}
				t.until(func() bool { return r.runnable.len() == 0 })
				end = true
				r.timers.Arm(u.timer, r.k.Now())
				return joinsPerTurn + tasksPerTurn, plenty
			},
			"connects": func(t *lab, r *Reactor, ran *int) (most, all int) {
				t.k.(*faults).connect = func(int, Addr) (kernel.Errno, bool) {
					*ran++
					return kernel.ECONNREFUSED, true
				}
				for range plenty {
					_, err := r.Dial("tcp", "127.0.0.1:9", &hooks{})
					must(t, err)
				}
				return dialsPerTurn, plenty
			},
			"Closeds": func(t *lab, r *Reactor, ran *int) (most, all int) {
				for range plenty {
					c, err := r.Dial("tcp", "127.0.0.1:9", &hooks{closed: func(*Conn, error) { *ran++ }})
					must(t, err)
					c.Abort()
				}
				return closedsPerTurn, plenty
			},
			"datagrams sent": func(t *lab, r *Reactor, ran *int) (most, all int) {
				t.k.(*faults).sendBatch = func(_, n int) (int, kernel.Errno, bool) {
					*ran += n
					return n, 0, true
				}
				c, at := listenPacket(t, r, "udp4", &packets{})
				for range plenty {
					must(t, c.SendTo(nil, at))
				}
				return flushesPerTurn + packetBatch, plenty
			},
		} {
			t.Run(name, func(t *lab) {
				t.k = t.faults()
				r := t.reactor(WithKernel(t.k))
				ran := 0
				most, all := f(t, r, &ran)
				t.in(most, all, func() int { return ran })
			})
		}
	})
}

// is counts the calls of a kind, and checks that they come in order.
func (l *lab) is(ran *int, i int) {
	if *ran != i {
		l.Errorf("number %d is called as number %d", i, *ran)
	}
	*ran++
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Many timers were moved to later, and the times before the moves have come. One turn repairs only
// a part of the queue. An Event that comes meanwhile is delivered.
func TestRepairsOfMovedTimersAreBounded(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		c := t.dial(t.listen("tcp", acceptEcho))
		c.roundTrip("before")
		n := longtest.Count(30_000, 50_000, 100_000)
		timers := make([]*Timer, n)
		for i := range timers {
			timers[i] = r.After(time.Hour, func() {})
		}
		for _, tm := range timers {
			tm.Reset(2 * time.Hour)
		}
		turns := 0
		for _, ok := r.timers.Settle(0); !ok; _, ok = r.timers.Settle(0) {
			t.turn()
			turns++
		}
		if least := n / (3 * repairsPerTurn); turns < least {
			t.Errorf("%d turns for %d timers, want at least %d", turns, n, least)
		}
		c.roundTrip("after")
		for _, tm := range timers {
			tm.Stop()
		}
		if r.timers.Len() != 0 {
			t.Errorf("%d timers are left", r.timers.Len())
		}
	})
}

// Connections wait at many Listeners, and datagrams at many sockets. Each turn accepts and receives
// as many as its budget allows. At the end all were accepted and received.
func TestWhatComesInIsBounded(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		const many = 12
		want := 0
		t.freeze(func() {
			for range many {
				at := t.listen("tcp", acceptEcho)
				for range 40 {
					t.dial(at)
					want++
				}
			}
		})
		t.in(acceptsPerTurn, want, func() int { return int(r.count.Accepted) })
	})
}

// After much work of every kind, an idle loop keeps nearly no memory.
func TestMemoryOfABurstGoes(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	burst := longtest.Count(100_000, 100_000, 200_000)
	inLab(t, kinds[1], func(t *lab) {
		r := t.reactor(WithPostLimit(burst))
		grams, to := listenPacket(t, r, "udp4", &packets{})
		rounds := func(n int) {
			for range n {
				must(t, r.Post(func() {}))
				r.After(time.Millisecond, func() {})
			}
			for range n / 10 {
				c, err := r.Dial("tcp", "127.0.0.1:9", &hooks{})
				must(t, err)
				c.Abort()
				r.Go(func(*Task) {})
				must(t, grams.SendTo(nil, to))
			}
			t.until(func() bool { return r.Next() == timeout.Never && grams.Buffered() == 0 })
		}
		rounds(10)
		before := heapNow()
		rounds(burst)
		rounds(10)
		if kept := int64(heapNow()) - int64(before); kept > 1<<20 {
			t.Errorf("%d KiB are kept", kept>>10)
		}
	})
}

func heapNow() uint64 {
	runtime.GC()
	runtime.GC() // only the second collection frees the memory of a sync.Pool
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// An idle loop keeps at most chunksKeep chunks, however many its Conns have used. A chunk in a kept
// output counts too.
func TestChunksAreBounded(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	p := outputPool{k: kernel.Host}
	var outs []*output
	for range 1000 {
		o := p.output()
		o.add(&p, make([]byte, 3*chunkSize))
		outs = append(outs, o)
	}
	for i, o := range outs {
		if i%2 == 0 {
			o.skip(&p, 2*chunkSize)
			p.reuse(o)
		} else {
			p.free(o)
		}
	}
	n := p.kept
	for _, o := range p.outs {
		for c := o.head; c != nil; c = c.next {
			n++
		}
	}
	if n > chunksKeep {
		t.Errorf("%d chunks are kept", n)
	}
}
