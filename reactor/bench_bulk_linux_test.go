package reactor

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// without is the host without segments: each datagram is a message of its own, in sendmmsg and
// recvmmsg.
type without struct{ Kernel }

func (k without) Traits() kernel.Traits {
	t := k.Kernel.Traits()
	t.Segments = false
	return t
}

// BenchmarkUDPBulk sends 16 datagrams of 1,200 bytes to one peer in each turn, which receives them
// on the same loop. "CPU-ns/KB" is what both ends cost, by the clock of the process.
//
//	go test ./reactor -run '^$' -bench UDPBulk -count 5
func BenchmarkUDPBulk(b *testing.B) {
	for _, kind := range []struct {
		name string
		k    Kernel
	}{{"sendmmsg", without{kernel.Host}}, {"GSO", kernel.Host}} {
		for _, size := range []int{1200} {
			b.Run(fmt.Sprintf("%s/%d", kind.name, size), func(b *testing.B) { bulk(b, kind.k, size) })
		}
	}
}

func bulk(b *testing.B, k Kernel, size int) {
	r, err := New(WithKernel(k))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		r.Close()
		for r.Turn(r.Now()) != ErrClosed {
		}
	}()
	got := 0
	in, err := r.ListenPacket("udp4", "127.0.0.1:0", &packets{packet: func(_ *PacketConn, p []byte, _ Addr) { got += len(p) }}, WithGRO())
	if err != nil {
		b.Fatal(err)
	}
	out, err := r.ListenPacket("udp4", "127.0.0.1:0", &packets{})
	if err != nil {
		b.Fatal(err)
	}
	to, data := in.at(), make([]byte, size)
	send := func() {
		for range 16 {
			if err := out.SendTo(data, to); err != nil {
				b.Error(err)
			}
		}
	}
	began := spent()
	b.SetBytes(int64(16 * size))
	sent := 0
	for b.Loop() {
		if err := r.Post(send); err != nil {
			b.Fatal(err)
		}
		for sent += 16 * size; got < sent; {
			if err := r.Turn(r.Now() + 1e9); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(spent()-began)/(float64(got)/1000), "CPU-ns/KB")
}

// spent is the CPU time of the process.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
