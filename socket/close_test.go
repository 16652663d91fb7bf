//go:build unix

package socket_test

import (
	"bytes"
	"context"
	"errors"
	"runtime/pprof"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// Close ends every call in progress with EBADF, including calls that wait for their turn.
func TestD22CloseWakes(t *testing.T) {
	t.Parallel()
	both(t, func(l *lab) {
		a, _ := l.stuck()
		_, s := l.pair()
		full, _ := l.pair()
		l.must(full.SetBlocking(false))
		l.fill(full)
		l.must(full.SetBlocking(true))
		for _, c := range []struct {
			s *socket.Socket
			call
		}{
			{s, call{"recv", func(s *socket.Socket) error { _, err := s.Recv(1); return err }}},
			{full, call{"send", func(s *socket.Socket) error { _, err := s.SendAll(big); return err }}},
			{l.listener(), call{"accept", func(s *socket.Socket) error { _, _, err := s.Accept(); return err }}},
			{l.tcp(), call{"connect", func(s *socket.Socket) error { return s.Connect(a) }}},
		} {
			const callers = 3
			ended := 0
			var mu sync.Mutex
			var joins []func()
			for range callers {
				joins = append(joins, l.beside(func(l *lab) {
					err := c.do(c.s)
					mu.Lock()
					ended++
					mu.Unlock()
					l.errno(err, syscall.EBADF)
				}))
			}
			l.asleep(c.s)
			for range 3 {
				l.pass() // the others wait for their turn, or come later and find the socket closed
			}
			mu.Lock()
			early := ended
			mu.Unlock()
			if early > 0 {
				l.fatalf("%s: %d calls have ended before Close", c.name, early)
			}
			l.must(c.s.Close())
			for _, join := range joins {
				join()
			}
		}
	})
}

// The descriptor is closed when the last call has returned, and not earlier.
func TestCloseLeavesNothing(t *testing.T) {
	both(t, func(l *lab) {
		before := descriptors(l.t)
		func() {
			c, s := l.pair()
			join := l.beside(func(l *lab) {
				_, err := s.Recv(1)
				l.errno(err, syscall.EBADF)
			})
			l.asleep(s)
			l.must(s.Close())
			join()
			l.recv(c, 1, "")
			l.must(c.Close())
		}()
		if l.r == nil { // with the last socket, the background goroutine closes its poller
			l.until("as few descriptors as before", func() bool { return descriptors(l.t) <= before })
		} else if now := descriptors(l.t); now > before {
			l.fatalf("%d descriptors, before %d", now, before)
		}
	})
}

func TestDetach(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		join := l.beside(func(l *lab) {
			_, err := s.Recv(1)
			l.errno(err, syscall.EBADF)
		})
		l.asleep(s)
		fd, err := s.Detach()
		l.must(err)
		join()
		l.must(s.Close())
		if n, e := l.k.Send(fd, []byte("mine"), 0); n != 4 || e != 0 {
			l.fatalf("Send on the detached descriptor: %d, %v", n, e)
		}
		l.recv(c, 9, "mine")
		fd2, err := c.Detach() // no call waits
		l.must(err)
		if n, e := l.k.Send(fd2, []byte("too"), 0); n != 3 || e != 0 {
			l.fatalf("Send on the detached descriptor: %d, %v", n, e)
		}
		if e := l.k.Close(fd2); e != 0 {
			l.fatalf("Close: %v", e)
		}
		if e := l.k.Close(fd); e != 0 {
			l.fatalf("Close: %v", e)
		}
	})
}

// A call in a callback that would have to wait returns an error. The error says what to do.
func TestCallbackCannotWait(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Post(func() {
		defer r.Close()
		s, err := socket.NewOn(r, inet, dgram, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer s.Close()
		_, err = s.Recv(1)
		if !errors.Is(err, syscall.EDEADLK) || !bytes.Contains([]byte(err.Error()), []byte("Task")) {
			t.Errorf("Recv in a callback: %v", err)
		}
		s.SetTimeout(0)
		if _, err = s.Recv(1); !errors.Is(err, syscall.EAGAIN) {
			t.Errorf("Recv with Timeout 0: %v", err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(context.Background()); err != nil {
		t.Error(err)
	}
}

// 1,000 goroutines that wait on 1,000 sockets need no threads of their own.
func TestManyParked(t *testing.T) {
	const n = 1000
	parked(t, func(l *lab) {
		threads := pprof.Lookup("threadcreate")
		before := threads.Count()
		var all sync.WaitGroup
		var list []*socket.Socket
		for range n {
			s := l.udp()
			list = append(list, s)
			all.Go(func() {
				if p, err := s.Recv(9); string(p) != "go" || err != nil {
					t.Errorf("%q, %v", p, err)
				}
			})
		}
		for _, s := range list {
			l.asleep(s)
		}
		if more := threads.Count() - before; more > 10 {
			t.Errorf("%d goroutines that wait made %d threads", n, more)
		}
		u := l.socket(inet, dgram)
		for _, s := range list {
			_, err := u.SendTo([]byte("go"), l.addr(s))
			l.must(err)
		}
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(guard):
			t.Error("some wait for ever")
		}
	})
}
