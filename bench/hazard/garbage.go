package hazard

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// In the row garbage, clients send random bytes in random pieces. Other clients read late and
// slowly. The same seed repeats a run.
func garbage(t *Target) (string, error) {
	const peers = 20
	size := 4 << 20
	if t.Quick {
		size = 1 << 20
	}
	var all sync.WaitGroup
	failed := make(chan error, peers)
	for i := range peers {
		all.Go(func() {
			if err := t.pour(t.Seed+uint64(i), size); err != nil {
				failed <- fmt.Errorf("connection %d of seed %d: %w", i, t.Seed, err)
			}
		})
	}
	all.Wait()
	figure := fmt.Sprintf("%d of %d whole", peers-len(failed), peers)
	select {
	case err := <-failed:
		return figure, err
	default:
		return figure, nil
	}
}

func (t *Target) pour(seed uint64, size int) error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	sent := noise(seed, size)
	wrote := make(chan error, 1)
	go func() { wrote <- pieces(c, sent, rand.New(rand.NewPCG(seed, 3))) }()
	r := rand.New(rand.NewPCG(seed, 4))
	var got []byte
	for err == nil {
		if r.IntN(20) == 0 {
			time.Sleep(time.Duration(r.IntN(2000)) * time.Microsecond)
		}
		room := make([]byte, 1+r.IntN(200<<10))
		var n int
		n, err = c.Read(room)
		got = append(got, room[:n]...)
	}
	if err != io.EOF {
		return fmt.Errorf("%d of %d bytes back: %w", len(got), size, err)
	}
	if err := <-wrote; err != nil {
		return err
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("%d of %d bytes back, or others than were sent", len(got), size)
	}
	return nil
}

func pieces(c stream, p []byte, r *rand.Rand) error {
	for len(p) > 0 {
		n := 1 + r.IntN(1<<r.IntN(18))
		n, err := c.Write(p[:min(n, len(p))])
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return c.CloseWrite()
}
