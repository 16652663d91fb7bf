//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	sel "github.com/ureactor/ureactor/select"
)

// Several Polls have one SSLSocket. Each Poll reports each message, while other Polls register,
// unregister and poll without waiting, and while Selects run. A Poll that does not wait may decrypt
// the input. The Polls that wait must be woken nevertheless.
func TestEveryPollOfAnSSLSocketIsServed(t *testing.T) {
	c, s := sslPair(t)
	const waiters, rounds = 3, 50
	stop := make(chan struct{})
	var beside, all sync.WaitGroup
	defer beside.Wait()
	defer close(stop)
	for _, f := range []func(p *sel.Poll) error{
		func(p *sel.Poll) error { _, err := p.Poll(0); return err },
		func(*sel.Poll) error { _, _, _, err := sel.Select([]sel.Pollable{s}, nil, nil, 0); return err },
		func(p *sel.Poll) error { return errors.Join(p.Unregister(s), p.Register(s, sel.POLLIN)) },
	} {
		beside.Go(func() {
			p := sel.New()
			defer p.Close()
			if err := p.Register(s, sel.POLLIN); err != nil {
				t.Error(err)
			}
			for {
				select {
				case <-stop:
					return
				default:
					if err := f(p); err != nil {
						t.Error(err)
						return
					}
					time.Sleep(10 * time.Microsecond) // so that other goroutines run too
				}
			}
		})
	}
	var polls [waiters]*sel.Poll
	for i := range polls {
		polls[i] = sel.New()
		defer polls[i].Close()
		if err := polls[i].Register(s, sel.POLLIN); err != nil {
			t.Fatal(err)
		}
	}
	for range rounds {
		for _, p := range polls {
			all.Go(func() {
				if got, err := p.Poll(-1); err != nil || len(got) != 1 || got[0].Events != sel.POLLIN {
					t.Errorf("Poll: %v, %v", got, err)
				}
			})
		}
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		if b, err := s.ReadSize(1); string(b) != "x" || err != nil {
			t.Fatalf("%q, %v", b, err)
		}
	}
}

// Another Poll is closed or unregisters the socket, or a Select ends. A Poll that still has the
// socket must still be woken.
func TestAPollKeepsItsSSLSocket(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	for name, f := range map[string]func(t *testing.T, s sel.Pollable) error{
		"Select": func(_ *testing.T, s sel.Pollable) error {
			_, _, _, err := sel.Select([]sel.Pollable{s}, nil, nil, 0)
			return err
		},
		"Unregister": func(_ *testing.T, s sel.Pollable) error {
			q := sel.New()
			defer q.Close()
			return errors.Join(q.Register(s, sel.POLLIN), q.Unregister(s))
		},
		"Close": func(_ *testing.T, s sel.Pollable) error {
			q := sel.New()
			return errors.Join(q.Register(s, sel.POLLIN), q.Close())
		},
	} {
		c, s := sslPair(t)
		p := sel.New()
		defer p.Close()
		if err := errors.Join(p.Register(s, sel.POLLIN), f(t, s)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		// Usually Poll sleeps when this happens. If it does not, the test checks less.
		timer := time.AfterFunc(10*time.Millisecond, func() {
			if _, err := c.Write([]byte("x")); err != nil {
				t.Error(err)
			}
		})
		if _, err := p.Poll(-1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		timer.Stop()
	}
}
