package secure

import (
	"crypto/tls"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/secure/forge"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A Read sleeps only if no input has arrived. The test makes Polls, Reads that wait, and Reads that
// do not wait, in every order. Records arrive whole and in pieces. The kernel reports an arrival
// only once, and a call that does not wait may consume this report. So after such a call the next
// Read must try before it waits for an Event. The Desc is one of goroutines or one of a loop.
func TestPolledInputIsRead(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	for seed := range longtest.Seeds(t, 300, 300, 3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := &oneEvent{Waiter: desc.Parked, shared: seed%2 == 0}
		s := newSceneOn(t, w, tls.VersionTLS13)
		s.desc.ShortIsAll = true
		w.d, w.k = s.desc, s.k
		var wire []byte // bytes that the peer has sent and that are not in the kernel yet
		var sizes []int // data sizes of the records in wire
		room := make([]byte, 1+r.IntN(3000))
		sent, got, slept := 0, 0, 0
		for range 60 {
			switch r.IntN(5) {
			case 0:
				size := r.IntN(2000)
				wire = append(wire, s.client.Seal(forge.Application, make([]byte, size))...)
				sizes = append(sizes, size)
			case 1:
				n := len(wire)
				if r.IntN(2) == 0 {
					n = r.IntN(n + 1)
				}
				s.k.in.Write(wire[:n])
				w.news = w.news || n > 0
				if wire = wire[n:]; len(wire) == 0 {
					for _, size := range sizes {
						sent += size
					}
					sizes = nil
				}
			case 2:
				if _, _, e := s.Ready(poller.Interest(poller.In)); e != 0 {
					t.Fatal(e)
				}
			case 3:
				n, err := s.Read(&desc.Call{}, room[:1+r.IntN(len(room))])
				if got += n; err != nil && err != kernel.EAGAIN {
					t.Fatal(seed, err)
				}
			case 4:
				n, err := s.Read(&desc.Call{Limit: timeout.None}, room)
				if got += n; err == nil {
					break
				}
				if err != kernel.ECANCELED {
					t.Fatal(seed, err)
				}
				if slept++; got < sent || s.k.in.Len() > 0 {
					t.Fatalf("seed %d: a Read sleeps with %d of %d bytes read, %d in the kernel", seed, got, sent, s.k.in.Len())
				}
			}
		}
	}
}

// oneEvent is a Waiter for one sleeper. If an Event of the kernel is due, the sleeper gets it.
// Otherwise Sleep returns ECANCELED, because nothing would ever wake the sleeper.
type oneEvent struct {
	desc.Waiter
	d      *desc.Desc
	k      *end
	news   bool
	shared bool
}

func (w *oneEvent) Shared() bool { return w.shared }
func (w *oneEvent) Has(int) bool { return false }

func (w *oneEvent) Sleeper() (desc.Sleeper, desc.Errno)             { return w, 0 }
func (w *oneEvent) Register(*desc.Desc, poller.Interest) desc.Errno { return 0 }
func (w *oneEvent) Unregister(*desc.Desc)                           {}
func (w *oneEvent) Wake()                                           {}
func (w *oneEvent) Unwind(desc.Dir)                                 {}

func (w *oneEvent) Sleep(desc.Dir, timeout.Deadline) desc.Errno {
	due := w.news && w.k.in.Len() > 0
	if w.news = false; !due {
		return kernel.ECANCELED
	}
	w.d.Ready(poller.Readiness(poller.In))
	return 0
}

func (k *end) Ready(int) (poller.Readiness, kernel.Errno) { return 0, 0 }

// Polls, Reads and Writes may happen at the same time. Each Write arrives. The race detector sees
// whether the shared fields are guarded.
func TestPollsBesideReadsAndWrites(t *testing.T) {
	s := newScene(t)
	var all sync.WaitGroup
	const size = 200
	for _, call := range []func(){
		func() { _, _, _ = s.Ready(poller.Interest(poller.In | poller.Out)) },
		func() { _, _ = s.Read(&desc.Call{}, make([]byte, 1)) },
		func() { _, _ = s.Write(&desc.Call{}, []byte{1}) },
	} {
		all.Go(func() {
			for range size {
				call()
			}
		})
	}
	all.Wait()
	got := make([]byte, size+1)
	n := 0
	for range size {
		k, _ := s.other.Read(&desc.Call{}, got[n:])
		n += k
	}
	if n != size {
		t.Errorf("%d of %d bytes have come", n, size)
	}
}
