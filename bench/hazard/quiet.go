package hazard

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ureactor/ureactor/bench/load"
)

// In the row idle, connections send nothing. The connections must not wake any thread.
func idle(t *Target) (string, error) {
	for range 100 {
		c, err := t.dial()
		if err != nil {
			return "", err
		}
		defer c.Close()
		if err := ask(c, []byte("hello")); err != nil {
			return "", err
		}
	}
	time.Sleep(500 * time.Millisecond)
	const d = 2 * time.Second
	before, err := t.switches()
	if err != nil {
		return "", err
	}
	cpu, err := t.load(d)
	if err != nil {
		return "", err
	}
	after, err := t.switches()
	if err != nil {
		return "", err
	}
	wakes := float64(after-before) / d.Seconds()
	return fmt.Sprintf("%.3g wake-ups/s", wakes), errors.Join(
		within("wake-ups", wakes, idleWakes, "a second"), within("CPU", cpu, idleCPU, "of a core"))
}

// switches counts the context switches of all threads.
func (t *Target) switches() (int64, error) {
	dir := fmt.Sprintf("/proc/%d/task", t.PID())
	threads, err := os.ReadDir(dir)
	var sum int64
	for _, thread := range threads {
		status, err := os.ReadFile(dir + "/" + thread.Name() + "/status")
		if err != nil {
			continue // the thread has ended
		}
		for line := range strings.Lines(string(status)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.HasSuffix(name, "voluntary_ctxt_switches") {
				n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
				sum += n
			}
		}
	}
	return sum, err
}

// In the row fair, there is one small client, and other clients keep the server as busy as
// possible. The busy clients run in another process, so that the scheduler of this process does not
// affect the result.
func fair(t *Target) (string, error) {
	bulk, err := t.bulk()
	if err != nil {
		return "", err
	}
	defer bulk.End()
	if err := bulk.Open(t.Addr, load.Shape{Conns: 4, Active: 4, Size: 1 << 20, Pipeline: 1, Depth: 4}); err != nil {
		return "", err
	}
	small, err := t.dial()
	if err != nil {
		return "", err
	}
	defer small.Close()
	over := make(chan error, 1)
	go func() {
		_, err := bulk.Run(t.span() + time.Second)
		over <- err
	}()
	time.Sleep(200 * time.Millisecond)
	p99, n, err := roundTrips(small, time.Millisecond, t.span())
	return judge(p99, n, errors.Join(err, <-over))
}

func (t *Target) span() time.Duration {
	if t.Quick {
		return time.Second
	}
	return 3 * time.Second
}

func judge(p99 time.Duration, n int, err error) (string, error) {
	if err != nil {
		return fmt.Sprintf("%d answers", n), err
	}
	figure := fmt.Sprintf("p99 %.3g ms", p99.Seconds()*1e3)
	return figure, within("p99", p99.Seconds()*1e3, fairness.Seconds()*1e3, "ms")
}

// In the row slowLoris, many clients send very little.
func slowLoris(t *Target) (string, error) {
	const peers = 500
	var conns []stream
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range peers {
		c, err := t.dial()
		if err != nil {
			return "", err
		}
		conns = append(conns, c)
	}
	var all sync.WaitGroup
	end := time.Now().Add(t.span())
	failed := make(chan error, peers)
	for i, c := range conns {
		all.Go(func() {
			time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
			for k := byte(0); time.Now().Before(end); k++ {
				if err := ask(c, []byte{0x80 | k ^ byte(i)}); err != nil {
					failed <- fmt.Errorf("peer %d: %w", i, err)
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
	c, err := t.dial()
	if err != nil {
		return "", err
	}
	defer c.Close()
	p99, n, err := roundTrips(c, time.Millisecond, t.span())
	all.Wait()
	select {
	case err = <-failed:
	default:
	}
	return judge(p99, n, err)
}
