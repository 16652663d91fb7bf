package sim_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// These are the hashes of the histories in TestHistoryIsTheSameOnEveryMachine. Only a change of
// package sim may change them.
const (
	goldenQuiet = 0xb692c44b84f73c0a
	goldenWild  = 0x4f79d9cf3c9be4c3
)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// A program that calls the kernel directly has two histories, one without faults and one with many.
// Only a change of the simulator can change their hashes. The test compares the hashes with
// constants, which are the same on every machine and GOARCH.
func TestHistoryIsTheSameOnEveryMachine(t *testing.T) {
	quiet, storm := rawHash(t, sim.Options{}), rawHash(t, sim.Options{Faults: wild})
	if quiet != goldenQuiet || storm != goldenWild {
		t.Errorf("hashes %#x, %#x; want %#x, %#x", quiet, storm, uint64(goldenQuiet), uint64(goldenWild))
	}
}

func rawHash(t testing.TB, opt sim.Options) uint64 {
	w := sim.New(1, opt)
	defer w.Close()
	good := rawEcho(t, w, 8, 50_000)
	if err := w.RunUntil(func() bool { return *good == 8 }, time.Hour); err != nil {
		t.Fatal(err)
	}
	return w.Hash()
}

// rawEcho boots an echo server and clients that use no reactor. Each of them is a loop around
// epoll, as in a C program.
func rawEcho(t testing.TB, w *sim.World, clients, size int) *int {
	at := kernel.Inet(addr("10.0.0.1:7"))
	server := w.Host("10.0.0.1")
	server.Boot("raw", func() { rawServer(t, server, at) })
	good := new(int)
	for i := range clients {
		h := w.Host(netip.AddrFrom4([4]byte{10, 0, 1, byte(i + 1)}).String())
		h.Boot("raw", func() {
			if got := rawClient(t, h, at, pattern(size, byte(i))); bytes.Equal(got, pattern(size, byte(i))) {
				*good++
			} else {
				t.Errorf("client %d got %d bytes of %d", i, len(got), size)
			}
		})
	}
	return good
}

func rawServer(t testing.TB, k *sim.Host, at kernel.Addr) {
	p, err := k.NewPoller()
	if err != nil {
		t.Error(err)
		return
	}
	l, _ := k.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	if e := k.Bind(l, at); e != 0 {
		t.Error(e)
	}
	k.Listen(l, 100)
	if err := p.Add(l, 1, poller.In); err != nil {
		t.Error(err)
	}
	owed := map[int32][]byte{}
	buf := make([]byte, 16<<10)
	var events [16]poller.Event
	for {
		n, err := p.Wait(events[:], timeout.Never)
		if err != nil {
			return // the world was closed
		}
		for _, ev := range events[:n] {
			fd := int(ev.FD)
			if fd == l {
				if c, _, e := k.Accept(l); e == 0 {
					p.Add(c, 1, poller.In|poller.Out|poller.Edge)
				}
				continue
			}
			for {
				if out := owed[ev.FD]; len(out) > 0 {
					k, e := k.Send(fd, out, 0)
					if owed[ev.FD] = out[k:]; e != 0 {
						break
					}
					continue
				}
				n, e := k.Recv(fd, buf, 0)
				if e == kernel.EAGAIN {
					break
				}
				if n == 0 {
					p.Del(fd)
					k.Close(fd)
					delete(owed, ev.FD)
					break
				}
				owed[ev.FD] = append(owed[ev.FD], buf[:n]...)
			}
		}
	}
}

func rawClient(t testing.TB, k *sim.Host, at kernel.Addr, data []byte) (got []byte) {
	p, err := k.NewPoller()
	if err != nil {
		t.Error(err)
		return nil
	}
	defer p.Close()
	var events [4]poller.Event
	fd := -1
	for { // until the server is up
		fd, _ = k.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
		k.Connect(fd, at)
		p.Add(fd, 1, poller.Out)
		for e := kernel.EAGAIN; e == kernel.EAGAIN; _, e = k.Send(fd, nil, 0) {
			p.Wait(events[:], timeout.Never)
		}
		if _, e := k.PeerAddr(fd); e == 0 {
			break
		}
		p.Del(fd)
		k.Close(fd)
		p.Wait(events[:], k.Now()+timeout.Deadline(time.Millisecond))
	}
	defer func() { p.Del(fd); k.Close(fd) }()
	p.Mod(fd, 1, poller.In|poller.Out|poller.Edge)
	buf := make([]byte, 16<<10)
	left := data
	for len(got) < len(data) {
		if _, err := p.Wait(events[:], timeout.Never); err != nil {
			return got
		}
		for len(left) > 0 {
			n, e := k.Send(fd, left, 0)
			if left = left[n:]; e != 0 {
				break
			}
		}
		for {
			n, e := k.Recv(fd, buf, 0)
			if got = append(got, buf[:n]...); e != 0 || n == 0 {
				break
			}
		}
	}
	return got
}

// BenchmarkCalls measures how many simulated calls one core makes in a second. Each of 20 clients
// sends 64 bytes to rawServer and waits for their echo, 1,000 times.
func BenchmarkCalls(b *testing.B) {
	var calls uint64
	for b.Loop() {
		w := sim.New(1, sim.Options{})
		at := kernel.Inet(addr("10.0.0.1:7"))
		server := w.Host("10.0.0.1")
		server.Boot("raw", func() { rawServer(b, server, at) })
		done := 0
		for i := range 20 {
			h := w.Host(netip.AddrFrom4([4]byte{10, 0, 1, byte(i + 1)}).String())
			h.Boot("raw", func() { rawPing(b, h, at, 1000); done++ })
		}
		if err := w.RunUntil(func() bool { return done == 20 }, time.Hour); err != nil {
			b.Fatal(err)
		}
		calls += w.Calls()
		w.Close()
	}
	b.ReportMetric(float64(calls)/b.Elapsed().Seconds(), "calls/s")
}

func rawPing(t testing.TB, k *sim.Host, at kernel.Addr, rounds int) {
	p, err := k.NewPoller()
	if err != nil {
		t.Error(err)
		return
	}
	defer p.Close()
	var events [4]poller.Event
	p.Wait(events[:], k.Now()+timeout.Deadline(5*time.Millisecond)) // until the server is up
	fd, _ := k.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	defer func() { p.Del(fd); k.Close(fd) }()
	k.Connect(fd, at)
	p.Add(fd, 1, poller.Out)
	p.Wait(events[:], timeout.Never)
	p.Mod(fd, 1, poller.In)
	buf := make([]byte, 64)
	for range rounds {
		k.Send(fd, buf, 0)
		p.Wait(events[:], timeout.Never)
		if n, e := k.Recv(fd, buf, 0); n != 64 {
			t.Errorf("recv: %d, %v", n, e)
			return
		}
	}
}
