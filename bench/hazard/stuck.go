package hazard

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/ureactor/ureactor/bench/proc"
)

// In the row neverReads, peers send and never read.
func neverReads(t *Target, peers, most int) (string, error) {
	return stuck(t, peers, most, nil, make([]byte, 64<<10))
}

// stuck runs peers that never read. They send the bytes of first once, and the bytes of more
// repeatedly.
func stuck(t *Target, peers, most int, first, more []byte) (string, error) {
	if err := t.alive(); err != nil {
		return "", err
	}
	before, err := proc.RSS(t.PID())
	if err != nil {
		return "", err
	}
	var all sync.WaitGroup
	for range peers {
		tcp, err := t.raw()
		if err != nil {
			return "", err
		}
		tcp.SetReadBuffer(4 << 10)
		c, err := t.secure(tcp)
		if err != nil {
			return "", err
		}
		defer tcp.Close()
		all.Go(func() {
			_, _ = c.Write(first) // if it fails, the next write fails too
			stuff(c, more, most)
		})
	}
	all.Wait()
	cpu, err := t.load(time.Second)
	if err != nil {
		return "", err
	}
	after, err := proc.RSS(t.PID())
	if err != nil {
		return "", err
	}
	grown := float64(after-before) / (1 << 20)
	figure := fmt.Sprintf("%.0f MiB, %.0f %% CPU", max(0, grown), 100*cpu)
	return figure, errors.Join(
		within("memory", grown, float64(stuckMemory+peers*stuckEach)/(1<<20), "MiB"),
		within("CPU", cpu, stuckCPU, "of a core"),
		t.alive(),
	)
}

// stuff sends until the server has accepted nothing for half a second, or has accepted `most`
// bytes.
func stuff(c net.Conn, more []byte, most int) (sent int) {
	for p := more; sent < most; {
		c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := c.Write(p)
		if p = p[n:]; len(p) == 0 {
			p = more
		}
		sent += n
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			break
		}
	}
	return sent
}
