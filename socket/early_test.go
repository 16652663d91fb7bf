//go:build unix

package socket_test

import (
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// No call times out before its deadline, whatever it waits for, and however many others wait.
func TestNeverEarly(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	waits := longtest.Count(200, 1000, 20000)
	both(t, func(l *lab) {
		stuck, _ := l.stuck()
		var early atomic.Int64
		var joins []func()
		const beside = 20
		for i := range beside {
			joins = append(joins, l.beside(func(l *lab) {
				random := rand.New(rand.NewPCG(1, uint64(i)))
				_, s := l.pair()
				full, _ := l.pair()
				l.must(full.SetBlocking(false))
				l.fill(full)
				listener, u := l.listener(), l.udp()
				for range waits / beside {
					limit := time.Duration(1 + random.IntN(2e6))
					on, do := s, func() error { _, err := s.Recv(1); return err }
					switch random.IntN(7) {
					case 0:
						do = func() error { _, err := s.ReadSize(5); return err }
					case 1:
						do = func() error { _, err := s.ReadLine(); return err }
					case 2:
						on, do = u, func() error { _, _, err := u.RecvFrom(5); return err }
					case 3:
						on, do = listener, func() error { _, _, err := listener.Accept(); return err }
					case 4:
						on, do = full, func() error { _, err := full.SendAll(big); return err }
					case 5:
						conn := l.tcp()
						on, do = conn, func() error {
							defer conn.Close()
							return conn.Connect(stuck)
						}
					}
					l.must(on.SetTimeout(timeout.Timeout(limit)))
					start := l.now()
					err := do()
					if spent := l.now() - start; spent < limit {
						early.Add(1)
					}
					l.errno(err, syscall.ETIMEDOUT)
				}
			}))
		}
		for _, join := range joins {
			join()
		}
		if n := early.Load(); n > 0 {
			l.fatalf("%d of %d waits were early", n, waits)
		}
	})
}

// One goroutine reads a socket while another one writes it. In another case, two goroutines read.
// No bytes are lost or in the wrong order.
func TestTwoReaders(t *testing.T) {
	t.Parallel()
	both(t, func(l *lab) {
		c, s := l.pair()
		n := longtest.Count(300, 2000, 2000)
		seen := make([]atomic.Bool, 2*n)
		var joins []func()
		for range 2 {
			joins = append(joins, l.beside(func(l *lab) {
				for range n {
					p, err := s.ReadSize(4)
					l.must(err)
					v := int(p[0]) | int(p[1])<<8 | int(p[2])<<16 | int(p[3])<<24
					if v >= 2*n || seen[v].Swap(true) {
						l.fatalf("read %d, which is not there or was read before", v)
					}
				}
			}))
		}
		joins = append(joins, l.beside(func(l *lab) {
			for range n {
				l.send(s, "back")
			}
		}), l.beside(func(l *lab) {
			p, err := c.ReadSize(4 * n)
			if len(p) != 4*n {
				l.fatalf("%d bytes came back, %v", len(p), err)
			}
		}))
		for v := range 2 * n {
			_, err := c.SendAll([]byte{byte(v), byte(v >> 8), byte(v >> 16), 0})
			l.must(err)
			if v%100 == 0 {
				l.pass()
			}
		}
		for _, join := range joins {
			join()
		}
	})
}

// The usual calls allocate nothing, in goroutines and in tasks, even if each call waits.
func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if !longtest.Measures(t) {
		return
	}
	both(t, func(l *lab) {
		if l.isSimulated() {
			return // a simulated kernel allocates
		}
		c, s := l.pair()
		join := l.beside(func(l *lab) { // this is the echo server
			p := make([]byte, 64)
			for {
				n, err := s.RecvInto(p)
				l.must(err)
				if n == 0 {
					return
				}
				_, err = s.Send(p[:n])
				l.must(err)
			}
		})
		p := make([]byte, 64)
		u := l.udp()
		a := l.addr(u)
		for name, f := range map[string]func(){
			"echo": func() {
				c.Send(p)
				for n := 0; n < len(p); {
					k, err := c.RecvInto(p[n:])
					l.must(err)
					n += k
				}
			},
			"datagram": func() {
				u.SendTo(p, a)
				_, _, err := u.RecvFromInto(p)
				l.must(err)
			},
			"ReadInto": func() {
				c.Write(p)
				_, err := c.ReadInto(p)
				l.must(err)
			},
			"Data": func() {
				c.Write(p)
				for n := 0; n < len(p); {
					q, err := c.Data()
					l.must(err)
					n += len(q)
				}
			},
			"SendAll": func() {
				c.SendAll(p)
				_, err := c.ReadInto(p)
				l.must(err)
			},
			"EAGAIN": func() {
				_, err := u.RecvIntoFlags(p, socket.MSG_DONTWAIT)
				l.errno(err, syscall.EAGAIN)
			},
			"SetTimeout": func() { l.must(c.SetTimeout(seconds(50))) },
		} {
			for range longtest.Count(20, 100, 100) { // the first calls make what is made only once
				f()
			}
			if n := testing.AllocsPerRun(longtest.Count(100, 500, 500), f); n > 0 {
				l.t.Errorf("%s allocates %v times", name, n)
			}
		}
		l.must(c.Close())
		join()
	})
}

func BenchmarkEcho(b *testing.B) {
	bench := func(l *lab) {
		b := l.t.(*testing.B)
		c, s := l.pair()
		join := l.beside(func(l *lab) {
			p := make([]byte, 128)
			for {
				n, err := s.RecvInto(p)
				l.must(err)
				if n == 0 {
					return
				}
				_, err = s.Send(p[:n])
				l.must(err)
			}
		})
		p := make([]byte, 128)
		b.ReportAllocs()
		for range b.N {
			c.Send(p)
			_, err := c.RecvInto(p)
			l.must(err)
		}
		l.must(c.Close())
		join()
	}
	b.Run("parked", func(b *testing.B) { parked(b, func(l *lab) { bench(l) }) })
	b.Run("task", func(b *testing.B) { inTask(b, func(l *lab) { bench(l) }) })
}
