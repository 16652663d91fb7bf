package hazard

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// In the row descriptorLimit, there are more clients than descriptors. Clients that the server
// cannot accept wait in the backlog.
func descriptorLimit(t *Target) (string, error) {
	first, err := t.dial()
	if err != nil {
		return "", err
	}
	defer first.Close()
	if err := ask(first, []byte("first")); err != nil {
		return "", err
	}
	var all []net.Conn
	closeAll := func() {
		for _, c := range all {
			c.Close()
		}
	}
	defer closeAll()
	for range 120 {
		c, err := net.DialTimeout("tcp", t.Addr, 2*time.Second)
		if err != nil {
			break // the server has failed, or its backlog is full
		}
		all = append(all, c)
	}
	time.Sleep(300 * time.Millisecond)
	if ended, how := t.Ended(0); ended {
		return "the process ends", fmt.Errorf("the server ended: %v", how)
	}
	cpu, err := t.load(time.Second)
	if err != nil {
		return "", err
	}
	figure := fmt.Sprintf("lives, %.0f %% CPU", 100*cpu)
	if err := ask(first, []byte("still there?")); err != nil {
		return figure, fmt.Errorf("one who was in: %w", err)
	}
	closeAll()
	return figure, errors.Join(within("CPU", cpu, fullCPU, "of a core"), t.alive())
}

// In the row churn, connections end in all ways.
func churn(t *Target) (string, error) {
	n := 3000
	if t.Quick {
		n = 600
	}
	if err := t.alive(); err != nil {
		return "", err
	}
	before, err := t.descriptors(func(int) bool { return true })
	if err != nil {
		return "", err
	}
	p := noise(t.Seed, 100<<10)
	for i := range n {
		c, err := t.raw()
		if err != nil {
			return "", fmt.Errorf("connection %d: %w", i, err)
		}
		c.SetDeadline(time.Now().Add(patience))
		if i%3 > 0 {
			c.Write(p[:1+i*37%1000])
			if i%7 == 0 {
				c.Read(make([]byte, 10))
			}
		}
		if i%2 == 0 {
			c.SetLinger(0) // a reset
		}
		c.Close()
	}
	after, err := t.descriptors(func(n int) bool { return n <= before })
	if err == nil && after > before {
		err = fmt.Errorf("%d descriptors more than before", after-before)
	}
	return fmt.Sprintf("%d left", max(0, after-before)), errors.Join(err, t.alive())
}

// descriptors counts the server's descriptors until enough returns true for the number, for at most
// two seconds.
func (t *Target) descriptors(enough func(int) bool) (int, error) {
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", t.PID()))
		if err != nil || enough(len(list)) || time.Now().After(end) {
			return len(list), err
		}
	}
}
